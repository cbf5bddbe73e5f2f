#include "store_access.hpp"

#include "engine/engine.hpp"

namespace postbus::detail {
namespace {

// A call of the store under way: its texts live until the answer.
struct store_call {
  std::shared_ptr<engine> alive;
  sdk::store_ops ops;
  std::function<void(const sdk::store_answer&)> done;

  static void finish(void* ctx, std::int32_t status, const void* result, const postbus_error* e) {
    const std::unique_ptr<store_call> self(static_cast<store_call*>(ctx));
    if (status == POSTBUS_OK && result == nullptr && !self->ops.empty())
      status = POSTBUS_E_FAIL;  // against the contract
    self->done(sdk::store_answer(status, result, self->ops.all().size(), e));
  }
};

}  // namespace

std::string fault_of(const sdk::store_answer& a) {
  if (a.ok()) return {};
  std::string why = "the store says: ";
  if (a.status() != POSTBUS_OK)
    return why + (a.message().empty() ? to_error_code(a.status()).message() : std::string(a.message()));
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i].status != POSTBUS_OK && a[i].status != POSTBUS_E_CANCELLED)
      return why + (a[i].values.empty() ? to_error_code(a[i].status).message() : std::string(a[i].value()));
  return why + "no";
}

void execute_on_store(engine& owner, sdk::store_ops ops, std::function<void(const sdk::store_answer&)> done) {
  const passage inside(owner.threads.mine());
  const auto* table = owner.store->interface<postbus_store>("postbus.store/1");
  auto* call = new store_call{owner.shared_from_this(), std::move(ops), std::move(done)};
  const auto all = call->ops.all();
  table->execute(owner.store->self(), all.data(), all.size(), {&store_call::finish, call});
}

}  // namespace postbus::detail
