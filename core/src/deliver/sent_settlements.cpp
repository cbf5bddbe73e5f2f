#include "sent_settlements.hpp"

#include "engine/engine.hpp"
#include "event/block_pool.hpp"

#include <algorithm>

namespace postbus::detail {

sent_settlements* sent_settlements::make(engine& owner, const transport_slot& to,
                                         std::span<const postbus_settle> all, postbus_done then) {
  void* memory = pool_allocate(sizeof(sent_settlements) + all.size() * sizeof(postbus_settle));
  auto* sent = new (memory) sent_settlements{owner, to, all.size(), then};
  std::uninitialized_copy(all.begin(), all.end(), sent->items());
  return sent;
}

void sent_settlements::answered(void* ctx, std::int32_t status, const void* result, const postbus_error* e) {
  auto& self = *static_cast<sent_settlements*>(ctx);
  std::size_t failed = 0;
  std::int32_t first = POSTBUS_OK;
  const auto* each = status == POSTBUS_OK ? static_cast<const std::int32_t*>(result) : nullptr;
  for (std::size_t i = 0; i < self.n && (each != nullptr || status != POSTBUS_OK); ++i) {
    const std::int32_t one = each != nullptr ? each[i] : status;
    if (one == POSTBUS_OK) continue;
    ++failed;
    if (first == POSTBUS_OK) first = one;
  }
  if (failed > 0) {
    std::string why = to_error_code(first).message();
    if (e != nullptr && e->message[0] != '\0') why.append(": ").append(e->message);
    self.owner.log->burst(POSTBUS_LOG_ERROR, "bus", "settle " + self.to.name,
                          "[" + self.to.path + "] did not take " + std::to_string(failed) + " of " +
                              std::to_string(self.n) + " settlements: " + why);
  }
  if (self.then.fn != nullptr) self.then.fn(self.then.ctx, each != nullptr ? *each : status, nullptr, e);
  pool_free(&self);
}

}  // namespace postbus::detail
