// store_client: the store of the bus, for a plugin whose manifest requires postbus.store/1.
//
//   store_ops ops;
//   ops.set("lock:r", "me").if_absent().ttl(15s).in_group(1);
//   ops.add("fence:r", 1).in_group(1);
//   store_.execute(std::move(ops), [this](const store_answer& a) {
//     if (a.ok()) fence_ = a[1].number;
//   });
//
// plugin.h says what each kind of op does.
#pragma once

#include <postbus/sdk/context.hpp>
#include <postbus/sdk/store_ops.hpp>

namespace postbus::sdk {

// What one op gave; borrowed, as the answer is.
struct store_result {
  std::int32_t status = POSTBUS_OK;
  std::int64_t number = 0;
  std::span<const postbus_bytes> values{};
  explicit operator bool() const noexcept { return status == POSTBUS_OK; }
  // Empty where there is no such value.
  std::string_view value(std::size_t i = 0) const noexcept {
    return i < values.size() ? view(values[i]) : std::string_view{};
  }
};

// The answer to one execute(); valid during its callback.
class store_answer {
 public:
  store_answer(std::int32_t status, const void* results, std::size_t n, const postbus_error* error) noexcept
      : status_(status), error_(error) {
    if (status == POSTBUS_OK) results_ = {static_cast<const postbus_op_result*>(results), n};
  }
  // Of the call; where it is not OK, nothing is known of the single ops.
  std::int32_t status() const noexcept { return status_; }
  std::string_view message() const noexcept { return error_ != nullptr ? error_->message : ""; }
  // The call and every op went well.
  bool ok() const noexcept {
    return status_ == POSTBUS_OK && std::all_of(results_.begin(), results_.end(),
                                                [](const auto& r) { return r.status == POSTBUS_OK; });
  }
  std::size_t size() const noexcept { return results_.size(); }
  // Of the op at i; with the status of the call where that failed.
  store_result operator[](std::size_t i) const noexcept {
    if (i >= results_.size()) return {status_ != POSTBUS_OK ? status_ : std::int32_t{POSTBUS_E_INVALID}};
    const postbus_op_result& r = results_[i];
    return {r.status, r.number, {r.values, r.value_count}};
  }

 private:
  std::int32_t status_;
  const postbus_error* error_;
  std::span<const postbus_op_result> results_;
};

class store_client {
 public:
  // In the constructor of the plugin. Without a store every execute() is answered E_UNSUPPORTED.
  explicit store_client(context& ctx) noexcept
      : ctx_(ctx), table_(ctx.service<postbus_store>("postbus.store/1", &self_)) {}

  explicit operator bool() const noexcept { return table_ != nullptr; }
  bool can_watch() const noexcept { return table_ != nullptr && POSTBUS_CAN(table_, watch); }

  // [any] Calls f(const store_answer&) once, on any thread, perhaps before this returns. What it throws is logged.
  template <class F>
  void execute(store_ops ops, F f) {
    auto* c = new call<F>{{ctx_}, std::move(f), std::move(ops)};
    const postbus_done done{[](void* box, std::int32_t status, const void* result, const postbus_error* e) {
                              call<F>::run(box, [&](call<F>& mine) {
                                mine.f(store_answer(status, result, mine.ops.all().size(), e));
                              });
                            },
                            c};
    if (table_ == nullptr) return refuse(done);
    const auto all = c->ops.all();
    table_->execute(self_, all.data(), all.size(), done);
  }
  // [any] Ops as plugin.h has them: they and their texts live until `done` ran, which the caller counts as owed. For who sends many.
  void execute(std::span<const postbus_op> ops, postbus_done done) noexcept {
    if (table_ == nullptr) return refuse(done);
    table_->execute(self_, ops.data(), ops.size(), done);
  }
  // [control] changed(key, note) is called until unwatch completed: it lives so long, throws nothing, and with an empty key reads
  // everything again. Calls f(status, watch) once.
  template <class Changed, class F>
  void watch(std::string_view prefix, Changed& changed, F f) {
    auto* c = new call<F>{{ctx_}, std::move(f), {}};
    const postbus_done done{[](void* box, std::int32_t status, const void* result, const postbus_error*) {
                              call<F>::run(box, [&](call<F>& mine) {
                                mine.f(status,
                                       status == POSTBUS_OK ? *static_cast<const std::uint64_t*>(result) : 0);
                              });
                            },
                            c};
    if (!can_watch()) return refuse(done);
    const auto tell = [](void* to, postbus_str key, postbus_bytes note) {
      (*static_cast<Changed*>(to))(view(key), view(note));
    };
    table_->watch(self_, str(prefix), tell, &changed, done);
  }
  // [control] Calls f(status) once no changed() of it runs or follows.
  template <class F>
  void unwatch(std::uint64_t watch, F f) {
    auto* c = new call<F>{{ctx_}, std::move(f), {}};
    const postbus_done done{[](void* box, std::int32_t status, const void*, const postbus_error*) {
                              call<F>::run(box, [&](call<F>& mine) { mine.f(status); });
                            },
                            c};
    if (!can_watch()) return refuse(done);
    table_->unwatch(self_, watch, done);
  }

 private:
  // Counts as owed: the plugin has not stopped before its callbacks ran.
  struct share {
    share(context& c) : ctx(c) { ctx.owed().retain(); }
    share(const share&) = delete;
    share& operator=(const share&) = delete;
    ~share() { ctx.owed().release(); }
    context& ctx;
  };
  template <class F>
  struct call {
    share owed;
    F f;
    store_ops ops;
    template <class G>
    static void run(void* box, G g) noexcept {
      const std::unique_ptr<call> mine(static_cast<call*>(box));
      detail::guarded(
          [&] { g(*mine); },
          [&](std::int32_t, std::string_view what) { mine->owed.ctx.log(POSTBUS_LOG_ERROR, what); });
    }
  };
  static void refuse(const postbus_done& done) noexcept {
    const postbus_error e = make_error(POSTBUS_E_UNSUPPORTED, "this bus has no such store");
    answer(done, e.code, nullptr, &e);
  }

  context& ctx_;
  void* self_ = nullptr;
  const postbus_store* table_;
};

}  // namespace postbus::sdk
