#include "store.hpp"

#include <memory>
#include <string>
#include <vector>

namespace postbus::faults {
namespace {

constexpr fault kinds[] = {fault::disconnect, fault::stall, fault::fail, fault::unknown};

// Results that outlive the call they came in.
class results {
 public:
  results() = default;
  explicit results(std::span<const postbus_op_result> all) : all_(all.begin(), all.end()) {
    for (postbus_op_result& r : all_) {
      auto& values = *values_.emplace_back(std::make_unique<std::vector<postbus_bytes>>());
      for (const postbus_bytes& value : std::span(r.values, r.value_count)) {
        const auto& text = *texts_.emplace_back(std::make_unique<std::string>(sdk::view(value)));
        values.push_back(sdk::bytes(text));
      }
      r.values = values.data();
    }
  }
  const void* result() const noexcept { return all_.empty() ? nullptr : all_.data(); }

 private:
  std::vector<postbus_op_result> all_;
  std::vector<std::unique_ptr<std::vector<postbus_bytes>>> values_;
  std::vector<std::unique_ptr<std::string>> texts_;
};

}  // namespace

faulty_store::faulty_store(sdk::context& ctx)
    : store_wrapper(ctx), plan_(ctx, kinds), link_(ctx, plan_, [](std::int64_t) {}) {}

void faulty_store::stop(sdk::completion<>&& done) {
  link_.stop();
  done.ok();
}

void faulty_store::execute(std::span<const postbus_op> ops, sdk::store_completion&& done) {
  if (link_.is_down_now())
    return done.fail(POSTBUS_E_UNAVAILABLE, "the link is down, as it was told to be", true);
  if (plan_.strikes(fault::fail))
    return done.fail(POSTBUS_E_UNAVAILABLE, "the call fails, as it was told to", true);
  const bool is_unknown = plan_.strikes(fault::unknown), late = plan_.strikes(fault::stall);
  if (!is_unknown && !late) return store_wrapper::execute(ops, std::move(done));
  const postbus_done answered = sdk::when_answered(
      done, [this, is_unknown, late, n = ops.size()](postbus_done to, std::int32_t status, const void* result,
                                                     const postbus_error* error) {
        const postbus_error unknown =
            sdk::make_error(POSTBUS_E_UNKNOWN, "the answer is lost, as it was told to be", true);
        results copy;
        if (is_unknown) status = POSTBUS_E_UNKNOWN, error = &unknown;
        if (status == POSTBUS_OK && result != nullptr)
          sdk::detail::guarded(
              [&] {
                copy = results({static_cast<const postbus_op_result*>(result), n});
              },
              [&](std::int32_t, std::string_view) { status = POSTBUS_E_UNKNOWN; });
        if (!late) return sdk::answer(to, status, copy.result(), error);
        link_.answer_later(to, status, std::move(copy), error);
      });
  wrapped().execute(wrapped_self(), ops.data(), ops.size(), answered);
}

void faulty_store::call(std::string_view method, std::string_view json,
                        sdk::completion<std::string_view>&& done) {
  if (method == "set") plan_.set(json);
  done.ok(plan_.stats(!link_.is_down()));
}

}  // namespace postbus::faults
