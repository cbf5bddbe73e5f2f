// fake_host: a host for the unit tests of one plugin, without the bus. It drives the plugin through its life and its interfaces,
// records what it does, and finds broken promises.
//
//   fake_host host;                                       // or host{clock}, when several share one
//   REQUIRE(host.create(postbus_module_v1, "size-limit", {{"max", 4}}));
//   REQUIRE(host.start());
//   const auto big = host.run(POSTBUS_AT_PUBLISH, {.topic = "a", .data = "12345"});
//   CHECK(big.verdict == postbus::sdk::verdict::reject);
//   REQUIRE(host.stop());
//   host.destroy();
//   CHECK(host.events().held == 0);
//
// The plugin is linked into the test (POSTBUS_MODULE names its module) or comes from load_module("x.so"). Time is a manual_clock's:
// each call runs what was posted until nothing is left, then returns; what the plugin still owes comes with clock().advance(), or,
// from a plugin with threads of its own, with wait(). A done that runs twice, a call that stop() leaves without an answer, a call
// into the host after stop: these and more are faults (take_faults()). The destructor stops and destroys what the test did not, and
// aborts, with the faults on stderr, when there are faults that nobody took.
//
// run, publish, settle, credit, room and execute may be called from many threads at once, everything else from the thread that made the host.
// A call out of order (run before start) is the test's own mistake: std::logic_error.
#pragma once

#include <postbus/testing/load_module.hpp>
#include <postbus/testing/plugin_life.hpp>
#include <postbus/testing/recording_sink.hpp>

#include <postbus/sdk/interceptor.hpp>
#include <postbus/sdk/store_ops.hpp>

#include <array>
#include <span>

namespace postbus::testing {

// How an item comes to a feature, beside its event.
struct item_options {
  std::string key{};
  std::uint32_t attempt = 0;
  std::uint64_t memo = 0, cause = 0;
  std::int32_t outcome = POSTBUS_ACK;
  const postbus_subscriber* subscriber = nullptr;
  std::uint32_t can = 0;
};
// What the feature made of it.
struct item_answer {
  sdk::verdict verdict = sdk::verdict::pass;
  std::uint32_t reason = 0;
  std::uint64_t memo = 0, ticket = 0;
  std::optional<event> replacement{};
};
struct subscribe_options {
  std::string group{};
  std::uint32_t credit = 64;  // or POSTBUS_CREDIT_UNLIMITED
  std::uint32_t flags = 0, from = POSTBUS_FROM_NEW;
  std::string position{};
  std::int64_t from_ns = 0, lease_ns = 60'000'000'000;
};

class fake_host : public plugin_life {
 public:
  fake_host() = default;
  explicit fake_host(manual_clock& shared) : plugin_life(shared) {}
  ~fake_host() { finish(); }

  // ---- a feature. Shows it the events, one batch, at one stage. It must have asked for the stage.
  std::vector<item_answer> run(std::uint32_t stage, std::span<const event> events,
                               const item_options& options = {}) {
    const postbus_interceptor& table = need<postbus_interceptor>("postbus.interceptor/1", on_batch_size);
    if ((table.stages & stage) == 0) throw std::logic_error("the feature does not look at this stage");
    const auto lent = lend(events, table.needs);
    std::vector<postbus_item> items(events.size());
    for (std::size_t i = 0; i < items.size(); ++i) {
      items[i].event = lent[i]->get();
      items[i].key = sdk::str(options.key);
      items[i].ticket = ++tickets_;
      items[i].memo = options.memo;
      items[i].cause = options.cause;
      items[i].outcome = options.outcome;
      items[i].attempt = options.attempt;
      items[i].subscriber = options.subscriber;
      items[i].can = options.can;
    }
    {
      const fake_runtime::hot_call now(runtime_);
      table.on_batch(self(), stage, items.data(), items.size());
    }
    std::vector<item_answer> answers;
    for (const postbus_item& item : items) answers.push_back(read(item));
    return answers;
  }
  item_answer run(std::uint32_t stage, const event& one, const item_options& options = {}) {
    return run(stage, std::span(&one, 1), options).front();
  }

  // ---- a transport
  answer publish(std::span<const event> events) {
    const postbus_transport& t = need<postbus_transport>("postbus.transport/1", publish_size);
    struct batch {
      std::vector<std::unique_ptr<detail::loan>> lent;
      std::vector<postbus_out> out;
    };
    auto b = std::make_shared<batch>();
    b->lent = lend(events, t.needs);
    for (const auto& lent : b->lent) {
      const postbus_event* e = lent->get();
      const bool wire = (t.needs & POSTBUS_NEED_WIRE) !=
                        0;  // the data stands for the encoded event: a fake host has no codec
      b->out.push_back(
          {e, wire ? &e->data : nullptr, wire ? std::size_t{1} : 0, 0, slot(sdk::view(e->topic))});
    }
    const postbus_out* out = b->out.data();
    const std::size_t n = events.size();
    return issue_hot(
        "publish", std::move(b), [&](postbus_done done) { t.publish(self(), out, n, done); },
        [n](detail::pending_call& call, const void* result) {
          const auto* receipts = static_cast<const postbus_receipt*>(result);
          for (std::size_t i = 0; i < n; ++i) {
            call.statuses.push_back(receipts == nullptr ? std::int32_t{POSTBUS_OK} : receipts[i].status);
            call.positions.emplace_back(receipts == nullptr ? "" : sdk::view(receipts[i].position));
          }
        });
  }
  answer publish(const event& one) { return publish(std::span(&one, 1)); }
  // The sink takes deliveries from now on, also before the answer.
  answer subscribe(std::string_view pattern, recording_sink& sink, const subscribe_options& o = {}) {
    const postbus_transport& t = need<postbus_transport>("postbus.transport/1", publish_size);
    const postbus_sub request{sizeof(postbus_sub),
                              o.from,
                              sdk::str(pattern),
                              sdk::str(o.group),
                              sdk::str(o.position),
                              o.from_ns,
                              o.lease_ns,
                              o.credit,
                              o.flags};
    const postbus_sink* to = sink.open(faults_, o.credit);
    return issue(
        "subscribe", [&](postbus_done done) { t.subscribe(self(), &request, to, done); },
        [this, &sink](detail::pending_call& call, const void* result) {
          call.pointer = const_cast<void*>(result);
          const std::lock_guard lock(mutex_);
          sinks_[call.pointer] = &sink;
        });
  }
  void credit(void* subscription, std::uint32_t n) {
    const postbus_transport& t = need<postbus_transport>("postbus.transport/1", publish_size);
    if (!POSTBUS_CAN(&t, credit)) throw std::logic_error("the transport has no credit()");
    sink_of(subscription).add_credit(n);
    const fake_runtime::hot_call now(runtime_);
    t.credit(self(), subscription, n);
  }
  answer settle(std::span<const postbus_settle> given) {
    const postbus_transport& t = need<postbus_transport>("postbus.transport/1", publish_size);
    if (!POSTBUS_CAN(&t, settle)) throw std::logic_error("the transport has no settle()");
    auto copy = std::make_shared<std::vector<postbus_settle>>(given.begin(), given.end());
    const postbus_settle* items = copy->data();
    return issue_hot(
        "settle", std::move(copy), [&](postbus_done done) { t.settle(self(), items, given.size(), done); },
        [n = given.size()](detail::pending_call& call, const void* result) {
          const auto* each = static_cast<const std::int32_t*>(result);
          for (std::size_t i = 0; i < n; ++i)
            call.statuses.push_back(each == nullptr ? std::int32_t{POSTBUS_OK} : each[i]);
        });
  }
  answer settle(std::uint64_t token, std::uint32_t what = POSTBUS_ACK, std::int64_t value_ns = 0) {
    const postbus_settle one{token, what, 0, value_ns, nullptr};
    return settle(std::span(&one, 1));
  }
  // Answers OK where the transport has no quiesce().
  answer quiesce(void* subscription) {
    const postbus_transport& t = need<postbus_transport>("postbus.transport/1", publish_size);
    return issue(
        "quiesce",
        [&](postbus_done done) {
          POSTBUS_CAN(&t, quiesce) ? t.quiesce(self(), subscription, done) : sdk::answer(done, POSTBUS_OK);
        },
        quiet(t, subscription, false));
  }
  answer unsubscribe(void* subscription) {
    const postbus_transport& t = need<postbus_transport>("postbus.transport/1", publish_size);
    return issue(
        "unsubscribe", [&](postbus_done done) { t.unsubscribe(self(), subscription, done); },
        quiet(t, subscription, true));
  }
  answer room(std::string_view topic) {
    const postbus_transport& t = need<postbus_transport>("postbus.transport/1", publish_size);
    if (!POSTBUS_CAN(&t, room)) throw std::logic_error("the transport has no room()");
    return issue_hot("room", nullptr, [&](postbus_done done) { t.room(self(), sdk::str(topic), done); }, {});
  }

  // ---- a store
  answer execute(sdk::store_ops ops) {
    const postbus_store& s = need<postbus_store>("postbus.store/1", execute_size);
    auto owned = std::make_shared<sdk::store_ops>(std::move(ops));
    const auto all = owned->all();
    return issue_hot(
        "execute", std::move(owned),
        [&](postbus_done done) { s.execute(self(), all.data(), all.size(), done); },
        [n = all.size()](detail::pending_call& call, const void* result) {
          const auto* each = static_cast<const postbus_op_result*>(result);
          for (const postbus_op_result& r : std::span{each, n}) {
            op_result& copy = call.results.emplace_back(op_result{r.status, r.number});
            for (std::uint32_t i = 0; i < r.value_count; ++i)
              copy.values.emplace_back(sdk::view(r.values[i]));
          }
        });
  }
  // changed(key, note) is called until unwatch() is answered.
  answer watch(std::string_view prefix, std::function<void(std::string_view, std::string_view)>& changed) {
    const postbus_store& s = need<postbus_store>("postbus.store/1", execute_size);
    if (!POSTBUS_CAN(&s, watch)) throw std::logic_error("the store has no watch()");
    const auto tell = [](void* to, postbus_str key, postbus_bytes note) {
      (*static_cast<std::function<void(std::string_view, std::string_view)>*>(to))(sdk::view(key),
                                                                                   sdk::view(note));
    };
    return issue(
        "watch", [&](postbus_done done) { s.watch(self(), sdk::str(prefix), tell, &changed, done); },
        [](detail::pending_call& call, const void* result) {
          call.number = *static_cast<const std::uint64_t*>(result);
        });
  }
  answer unwatch(std::uint64_t watch) {
    const postbus_store& s = need<postbus_store>("postbus.store/1", execute_size);
    if (!POSTBUS_CAN(&s, unwatch)) throw std::logic_error("the store has no unwatch()");
    return issue("unwatch", [&](postbus_done done) { s.unwatch(self(), watch, done); });
  }

  // ---- what applications call
  answer call(std::string_view method, std::string_view json = "{}") {
    const postbus_control& c = need<postbus_control>("postbus.control/1", call_size);
    return issue(
        "call", [&](postbus_done done) { c.call(self(), sdk::str(method), sdk::str(json), done); },
        [](detail::pending_call& call, const void* result) {
          call.text = sdk::view(*static_cast<const postbus_str*>(result));
        });
  }

 private:
  static constexpr std::size_t on_batch_size = offsetof(postbus_interceptor, on_batch) + sizeof(void*),
                               publish_size = offsetof(postbus_transport, unsubscribe) + sizeof(void*),
                               execute_size = offsetof(postbus_store, execute) + sizeof(void*),
                               call_size = offsetof(postbus_control, call) + sizeof(void*);

  std::vector<std::unique_ptr<detail::loan>> lend(std::span<const event> events, std::uint32_t needs) {
    std::vector<std::unique_ptr<detail::loan>> lent;
    for (const event& e : events) {
      auto b = block_to_lend(e);
      if ((needs & POSTBUS_NEED_ID) != 0) b->fill();
      lent.push_back(std::make_unique<detail::loan>(std::move(b)));
    }
    return lent;
  }
  item_answer read(const postbus_item& item) {
    item_answer a{static_cast<sdk::verdict>(item.verdict), item.reason, item.memo, item.ticket};
    const bool replaced = item.verdict == POSTBUS_REPLACE;
    if (item.verdict > POSTBUS_FAIL)
      faults_.add("the feature answered with the verdict " + std::to_string(item.verdict) +
                  ", which there is not");
    if (replaced && item.replacement == nullptr)
      faults_.add("the feature answered REPLACE without a replacement");
    if (!replaced && item.replacement != nullptr)
      faults_.add("the feature gave a replacement without answering REPLACE");
    if (replaced && item.replacement != nullptr)
      a.replacement = take_over(item.replacement, "the replacement");
    return a;
  }
  std::uint64_t* slot(std::string_view topic) {
    const std::lock_guard lock(mutex_);
    return slots_[{std::this_thread::get_id(), std::string(topic)}].data();
  }
  recording_sink& sink_of(void* subscription) {
    const std::lock_guard lock(mutex_);
    const auto found = sinks_.find(subscription);
    if (found == sinks_.end()) throw std::logic_error("there is no such subscription");
    return *found->second;
  }
  reader quiet(const postbus_transport& t, void* subscription, bool gone) {
    recording_sink& sink = sink_of(subscription);
    return [this, &sink, subscription, gone, silent = gone || POSTBUS_CAN(&t, quiesce)](detail::pending_call&,
                                                                                        const void*) {
      if (silent) sink.quiesced();
      const std::lock_guard lock(mutex_);
      if (gone) sinks_.erase(subscription);
    };
  }

  std::atomic<std::uint64_t> tickets_ = 0;
  mutable std::mutex mutex_;
  std::map<std::pair<std::thread::id, std::string>, std::array<std::uint64_t, 2>> slots_;
  std::map<void*, recording_sink*> sinks_;
};

}  // namespace postbus::testing
