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

#include <deque>
#include <vector>

namespace postbus::sdk {

class store_ops;

// The op that was added last; what is set here is of it alone.
class store_op {
 public:
  store_op(store_ops& ops, postbus_op& raw) noexcept : ops_(ops), raw_(raw) {}

  store_op& if_absent() noexcept { return flag(POSTBUS_IF_ABSENT); }
  store_op& if_present() noexcept { return flag(POSTBUS_IF_PRESENT); }
  store_op& if_equal(std::string_view expected);
  // What is stored is a number, not above / not below that of the op.
  store_op& if_at_least() noexcept { return flag(POSTBUS_IF_AT_LEAST); }
  store_op& if_at_most() noexcept { return flag(POSTBUS_IF_AT_MOST); }
  store_op& front() noexcept { return flag(POSTBUS_FRONT); }
  store_op& store_time() noexcept { return flag(POSTBUS_STORE_TIME); }
  store_op& number(std::int64_t n) noexcept { return raw_.number = n, *this; }
  store_op& limit(std::int64_t most) noexcept { return raw_.limit = most, *this; }
  store_op& ttl(std::chrono::nanoseconds time) noexcept { return raw_.ttl_ns = time.count(), *this; }
  store_op& in_group(std::uint32_t group) noexcept { return raw_.group = group, *this; }
  store_op& field(std::string_view name);
  store_op& member(std::string_view name);
  store_op& to(std::string_view dest);

 private:
  store_op& flag(std::uint32_t f) noexcept { return raw_.flags |= f, *this; }
  store_ops& ops_;
  postbus_op& raw_;
};

// A list of ops that owns their texts. A store_op is good until the next one is added.
class store_ops {
 public:
  store_op check(std::string_view key) { return add_op(POSTBUS_CHECK, key); }
  store_op get(std::string_view key, std::string_view field = {}) { return add_op(POSTBUS_GET, key, field); }
  store_op set(std::string_view key, std::string_view value) { return add_op(POSTBUS_SET, key, {}, value); }
  // With if_at_least(), if_at_most() or store_time().
  store_op set(std::string_view key, std::int64_t n) { return add_op(POSTBUS_SET, key).number(n); }
  store_op erase(std::string_view key) { return add_op(POSTBUS_ERASE, key); }
  store_op add(std::string_view key, std::int64_t n) { return add_op(POSTBUS_ADD, key).number(n); }
  store_op expire(std::string_view key, std::chrono::nanoseconds ttl) {
    return add_op(POSTBUS_EXPIRE, key).ttl(ttl);
  }
  store_op push(std::string_view key, std::string_view value) {
    return add_op(POSTBUS_LIST_PUSH, key, {}, value);
  }
  store_op take(std::string_view key) { return add_op(POSTBUS_LIST_TAKE, key); }
  store_op list(std::string_view key, std::int64_t from = 0) {
    return add_op(POSTBUS_LIST_RANGE, key).number(from);
  }
  store_op length(std::string_view key) { return add_op(POSTBUS_LIST_LEN, key); }
  store_op hash_set(std::string_view key, std::string_view field, std::string_view value) {
    return add_op(POSTBUS_HASH_SET, key, field, value);
  }
  store_op hash_set(std::string_view key, std::string_view field, std::int64_t n) {
    return add_op(POSTBUS_HASH_SET, key, field).number(n);
  }
  store_op hash_add(std::string_view key, std::string_view field, std::int64_t n) {
    return add_op(POSTBUS_HASH_ADD, key, field).number(n);
  }
  store_op hash_erase(std::string_view key, std::string_view field) {
    return add_op(POSTBUS_HASH_ERASE, key, field);
  }
  store_op hash_all(std::string_view key) { return add_op(POSTBUS_HASH_ALL, key); }
  store_op hash_take(std::string_view key, std::string_view field = {}) {
    return add_op(POSTBUS_HASH_TAKE, key, field);
  }
  store_op zset_put(std::string_view key, std::string_view member, std::int64_t score) {
    return add_op(POSTBUS_ZSET_PUT, key, {}, member).number(score);
  }
  store_op zset_erase(std::string_view key, std::string_view member) {
    return add_op(POSTBUS_ZSET_ERASE, key, {}, member);
  }
  // Scores from `score` up; with front(): up to `score`.
  store_op zset_range(std::string_view key, std::int64_t score) {
    return add_op(POSTBUS_ZSET_RANGE, key).number(score);
  }
  store_op zset_take(std::string_view key, std::int64_t score) {
    return add_op(POSTBUS_ZSET_TAKE, key).number(score);
  }
  store_op zset_count(std::string_view key, std::int64_t score) {
    return add_op(POSTBUS_ZSET_COUNT, key).number(score);
  }
  store_op window(std::string_view key, std::int64_t most, std::chrono::nanoseconds in, std::int64_t n = 1) {
    return add_op(POSTBUS_WINDOW, key).number(n).limit(most).ttl(in);
  }
  store_op scan(std::string_view prefix, std::string_view cursor, std::int64_t limit) {
    return add_op(POSTBUS_SCAN, prefix, cursor).limit(limit);
  }
  store_op notify(std::string_view key, std::string_view note = {}) {
    return add_op(POSTBUS_NOTIFY, key, {}, note);
  }

  std::span<const postbus_op> all() const noexcept { return ops_; }
  bool empty() const noexcept { return ops_.empty(); }
  // A copy that lives as long as this.
  std::string_view own(std::string_view text) {
    return text.empty() ? std::string_view{} : std::string_view(texts_.emplace_back(text));
  }

 private:
  store_op add_op(std::uint32_t kind, std::string_view key, std::string_view field = {},
                  std::string_view value = {}) {
    postbus_op raw{};
    raw.kind = kind;
    raw.key = str(own(key));
    raw.field = str(own(field));
    raw.value = bytes(own(value));
    ops_.push_back(raw);
    return {*this, ops_.back()};
  }
  std::vector<postbus_op> ops_;
  std::deque<std::string> texts_;  // which stay where they are
};

inline store_op& store_op::if_equal(std::string_view expected) {
  raw_.expect = bytes(ops_.own(expected));
  return flag(POSTBUS_IF_EQUAL);
}
inline store_op& store_op::field(std::string_view name) { return raw_.field = str(ops_.own(name)), *this; }
inline store_op& store_op::member(std::string_view name) { return raw_.value = bytes(ops_.own(name)), *this; }
inline store_op& store_op::to(std::string_view dest) { return raw_.dest = str(ops_.own(dest)), *this; }

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
