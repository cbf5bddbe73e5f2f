// The fake host itself: what it lends, records, and finds fault with. Its plugins here are C tables, for the C++ face would not let
// them misbehave.
#include "hosted.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace sdk = postbus::sdk;
using namespace postbus::testing;
using namespace std::chrono_literals;

namespace {

using texts = std::vector<std::string>;

// A plugin whose every function is a test's. By default it does what it should, and nothing more.
struct rogue {
  std::function<void(postbus_done)> start = answer_ok, stop = answer_ok;
  std::function<void(postbus_done)> call = answer_ok_with_text;
  std::function<void(postbus_item&)> on_item = [](postbus_item&) {};
  std::function<void(const postbus_sink&, postbus_done)> subscribe =
      [](const postbus_sink&, postbus_done done) { answer_ok(done); };
  std::function<void(std::span<const postbus_out>, postbus_done)> publish = [](auto, postbus_done done) {
    answer_ok(done);
  };
  std::int32_t create_status = POSTBUS_OK;
  const char* create_message = "";
  const void* unknown = nullptr;
  const postbus_host* host = nullptr;
  bool destroyed = false;

  static void answer_ok(postbus_done done) { done.fn(done.ctx, POSTBUS_OK, nullptr, nullptr); }
  static void answer_ok_with_text(postbus_done done) {
    const postbus_str text = sdk::str("{}");
    done.fn(done.ctx, POSTBUS_OK, &text, nullptr);
  }
  static rogue& of(void* self) { return *static_cast<rogue*>(self); }

  static rogue* next;  // the one that create() gives out
  static constexpr postbus_interceptor interceptor{
      sizeof(postbus_interceptor), POSTBUS_AT_PUBLISH, 0, 0,
      [](void* self, std::uint32_t, postbus_item* items, std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) of(self).on_item(items[i]);
      }};
  static constexpr postbus_transport transport{
      sizeof(postbus_transport),
      0,
      0,
      0,
      UINT64_MAX,
      [](void* self, const postbus_out* out, std::size_t n, postbus_done done) {
        of(self).publish({out, n}, done);
      },
      [](void* self, const postbus_sub*, const postbus_sink* to, postbus_done done) {
        of(self).subscribe(*to, done);
      },
      nullptr,
      nullptr,
      nullptr,
      [](void*, void*, postbus_done done) { answer_ok(done); },
      nullptr};
  static constexpr postbus_control control{
      sizeof(postbus_control), 0,
      [](void* self, postbus_str, postbus_str, postbus_done done) { of(self).call(done); }};
  static constexpr postbus_plugin table{sizeof(postbus_plugin),
                                        POSTBUS_CAN_VIRTUAL_TIME,
                                        [](void* self, postbus_done done) { of(self).start(done); },
                                        [](void* self, postbus_done done) { of(self).stop(done); },
                                        [](void* self) { of(self).destroyed = true; },
                                        [](void* self, const char* id) -> const void* {
                                          const std::string_view name = id;
                                          if (name == "postbus.interceptor/1") return &interceptor;
                                          if (name == "postbus.transport/1") return &transport;
                                          if (name == "postbus.control/1") return &control;
                                          return of(self).unknown;
                                        }};
  static std::int32_t create(const postbus_host* host, postbus_str, const postbus_plugin** out, void** self,
                             postbus_error* error) {
    next->host = host;
    *out = &table;
    *self = next;
    if (next->create_status != POSTBUS_OK)
      *error = sdk::make_error(next->create_status, next->create_message);
    return next->create_status;
  }
  static constexpr postbus_plugin_desc desc{sizeof(postbus_plugin_desc), 0, "rogue", create};
  static constexpr const postbus_plugin_desc* plugins[] = {&desc};
  static constexpr postbus_module module{POSTBUS_MAGIC, sizeof(postbus_module), 1, 0, 0, 0, "{}", plugins, 1};
};
rogue* rogue::next = nullptr;

// A rogue in a host, running.
struct scene {
  rogue plugin;
  fake_host host;
  scene() {
    rogue::next = &plugin;
    REQUIRE(host.create(rogue::module, "rogue"));
    REQUIRE(host.start());
  }
};

// Whether f() throws std::logic_error.
template <class F>
bool is_mistake(F&& f) {
  try {
    f();
  } catch (const std::logic_error&) {
    return true;
  }
  return false;
}

}  // namespace

TEST_CASE("a plugin that keeps its promises has no faults", "[fake_host]") {
  scene s;
  CHECK(s.host.call("x").text() == "{}");
  CHECK(s.host.stop());
  s.host.destroy();
  CHECK(s.plugin.destroyed);
  CHECK(s.host.take_faults().empty());
}

TEST_CASE("what the test leaves running is stopped and destroyed with the host", "[fake_host]") {
  rogue plugin;
  {
    fake_host host;
    rogue::next = &plugin;
    REQUIRE(host.create(rogue::module, "rogue"));
  }
  CHECK(plugin.destroyed);
}

TEST_CASE("a done that runs twice is a fault", "[fake_host]") {
  scene s;
  s.plugin.call = [](postbus_done done) {
    rogue::answer_ok_with_text(done);
    rogue::answer_ok_with_text(done);
  };
  CHECK(s.host.call("x"));
  CHECK(s.host.take_faults() == texts{"call was answered a second time"});
  s.plugin.stop = [](postbus_done done) {
    rogue::answer_ok(done);
    rogue::answer_ok(done);
  };
  CHECK(s.host.stop());
  CHECK(s.host.take_faults() == texts{"stop was answered a second time"});
}

TEST_CASE("a call that stop leaves without an answer is a fault", "[fake_host]") {
  scene s;
  s.plugin.call = [](postbus_done) {};
  const answer a = s.host.call("x");
  CHECK(!a);
  CHECK(is_mistake([&] { a.status(); }));
  CHECK(s.host.stop());
  CHECK(s.host.take_faults() == texts{"call was not answered before stop completed"});
}

TEST_CASE("a call into the host after stop is a fault, but for event_release", "[fake_host]") {
  scene s;
  postbus_event fields{};
  fields.size = sizeof fields;
  const postbus_event* kept = s.plugin.host->event_new(s.plugin.host, &fields, nullptr);
  CHECK(s.host.stop());
  CHECK(s.host.take_faults().empty());
  s.plugin.host->event_release(s.plugin.host, kept);
  CHECK(s.host.take_faults().empty());
  s.plugin.host->log(s.plugin.host, POSTBUS_LOG_INFO, sdk::str("still here"));
  CHECK(s.host.take_faults() == texts{"log was called after stop completed"});
}

TEST_CASE("a stop that is never answered is a fault, in the destructor at the latest", "[fake_host]") {
  // The destructor aborts then; only another process survives to tell.
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::dup2(ends[1], STDERR_FILENO);
    ::signal(SIGABRT, SIG_DFL);
    rogue plugin;
    rogue::next = &plugin;
    plugin.stop = [](postbus_done) {};
    {
      fake_host host;
      host.create(rogue::module, "rogue");
    }
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string said;
  char buffer[256];
  for (ssize_t n; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;)
    said.append(buffer, static_cast<std::size_t>(n));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status));
  CHECK(said.find("fake_host: plugin 'rogue': stop was never answered\n") != std::string::npos);
}

TEST_CASE("an error without words, and one with another code, are faults", "[fake_host]") {
  {
    rogue plugin;
    fake_host host;
    rogue::next = &plugin;
    plugin.create_status = POSTBUS_E_INVALID;
    CHECK(host.create(rogue::module, "rogue").status() == POSTBUS_E_INVALID);
    CHECK(host.take_faults() == texts{"create failed without an error that says so"});
  }
  scene s;
  s.plugin.call = [](postbus_done done) {
    const postbus_error other = sdk::make_error(POSTBUS_E_FULL, "no room");
    done.fn(done.ctx, POSTBUS_E_FAIL, nullptr, &other);
  };
  CHECK(s.host.call("x").status() == POSTBUS_E_FAIL);
  CHECK(s.host.take_faults() == texts{"call was answered -1 with the error -7"});
}

TEST_CASE("an interface that nobody knows is a fault", "[fake_host]") {
  rogue plugin;
  plugin.unknown = &plugin;
  fake_host host;
  rogue::next = &plugin;
  REQUIRE(host.create(rogue::module, "rogue"));
  CHECK(host.take_faults() == texts{"interface() gives a table for what nobody knows"});
}

TEST_CASE("a verdict that does not hold together is a fault", "[fake_host]") {
  scene s;
  const auto fault_of = [&](std::uint32_t verdict, bool replacement) {
    s.plugin.on_item = [&, verdict, replacement](postbus_item& item) {
      item.verdict = verdict;
      if (replacement) item.replacement = item.event;  // without a reference
    };
    s.host.run(POSTBUS_AT_PUBLISH, {.topic = "a"});
    return s.host.take_faults();
  };
  CHECK(fault_of(7, false) == texts{"the feature answered with the verdict 7, which there is not"});
  CHECK(fault_of(POSTBUS_REPLACE, false) == texts{"the feature answered REPLACE without a replacement"});
  CHECK(fault_of(POSTBUS_PASS, true) == texts{"the feature gave a replacement without answering REPLACE"});
  CHECK(fault_of(POSTBUS_REPLACE, true) ==
        texts{"the replacement is an event that nobody holds a reference to"});
}

TEST_CASE("an event is gone after its call, and who keeps it too late or releases it too often is found",
          "[fake_host]") {
  scene s;
  const postbus_event* lent = nullptr;
  s.plugin.on_item = [&](postbus_item& item) { lent = item.event; };
  s.host.run(POSTBUS_AT_PUBLISH, {.topic = "a"});
  const postbus_host* h = s.plugin.host;
  CHECK(h->event_keep(h, lent) == nullptr);
  h->event_fill(h, lent);
  h->event_release(h, lent);
  CHECK(s.host.take_faults() == texts{"event_keep was called for an event that is gone",
                                      "event_fill was called for an event that is gone",
                                      "event_release was called for an event that nobody holds"});
}

TEST_CASE("references are counted, and data that changed owner is released once", "[fake_host]") {
  scene s;
  const postbus_host* h = s.plugin.host;
  int released = 0;
  const postbus_owned data{sdk::bytes("lent for good"), [](void* ctx) { ++*static_cast<int*>(ctx); },
                           &released};
  postbus_event fields{};
  fields.size = sizeof fields;
  fields.topic = sdk::str("a");
  const postbus_event* e = h->event_new(h, &fields, &data);
  CHECK(e->data.ptr == data.bytes.ptr);
  CHECK(e->id.len > 0);
  CHECK(h->event_keep(h, e) == e);
  CHECK(s.host.events().held == 2);
  h->event_release(h, e);
  CHECK(released == 0);
  h->event_release(h, e);
  CHECK(released == 1);
  CHECK(s.host.events().held == 0);
}

TEST_CASE("what a publish lends is gone when its done ran", "[fake_host]") {
  scene s;
  const postbus_event* lent = nullptr;
  postbus_done later{};
  s.plugin.publish = [&](std::span<const postbus_out> out, postbus_done done) {
    lent = out[0].event;
    later = done;
  };
  const answer a = s.host.publish({.topic = "a", .data = "still there"});
  CHECK(!a.ready());
  CHECK(sdk::view(lent->data) == "still there");
  rogue::answer_ok(later);
  CHECK(a);
  CHECK(s.plugin.host->event_keep(s.plugin.host, lent) == nullptr);
  CHECK(s.host.take_faults() == texts{"event_keep was called for an event that is gone"});
}

TEST_CASE("deliveries beyond the credit, and after the end, are faults", "[fake_host]") {
  scene s;
  recording_sink sink;
  const postbus_sink* to = nullptr;
  s.plugin.subscribe = [&](const postbus_sink& given, postbus_done done) {
    to = &given;
    rogue::answer_ok(done);
  };
  REQUIRE(s.host.subscribe("a", sink, {.credit = 1}));
  int released = 0;
  postbus_delivery d{};
  d.topic = sdk::str("a");
  d.wire = {sdk::bytes("bytes"), [](void* ctx) { ++*static_cast<int*>(ctx); }, &released};
  to->deliver(to->ctx, &d, 1);
  CHECK(s.host.take_faults().empty());
  CHECK(released == 1);
  CHECK(sink.deliveries()[0].wire);
  CHECK(sink.data() == texts{"bytes"});
  to->deliver(to->ctx, &d, 1);
  CHECK(s.host.take_faults() == texts{"a delivery of 'a' came beyond the credit"});
  REQUIRE(s.host.unsubscribe(nullptr));
  const postbus_notice notice{sizeof(postbus_notice), POSTBUS_NOTICE_GAP, 0, 0, 0, {}, nullptr};
  to->notice(to->ctx, &notice);
  CHECK(s.host.take_faults() == texts{"a notice came after the subscription was quiet"});
}

TEST_CASE("a metric is defined before start completed, and added to by its number", "[fake_host]") {
  scene s;
  void* self = nullptr;
  const auto* metrics =
      static_cast<const postbus_metrics*>(s.plugin.host->service(s.plugin.host, "postbus.metrics/1", &self));
  const std::uint32_t late = metrics->define(self, POSTBUS_GAUGE, sdk::str("late"), sdk::str(""));
  CHECK(s.host.take_faults() == texts{"the metric 'late' was defined after start completed"});
  metrics->add(self, late, 5);
  metrics->add(self, late, -2);
  CHECK(s.host.metric_value("late") == 3);
  CHECK(!s.host.metric_value("never"));
  metrics->add(self, 99, 1);
  CHECK(s.host.take_faults() == texts{"metrics.add was called for no metric: 99"});
}

TEST_CASE("services may be missing, or be a test's own", "[fake_host]") {
  scene s;
  s.host.hide_service("postbus.metrics/1");
  const int flow = 0;
  int mine = 0;
  s.host.add_service("postbus.flow/1", &flow, &mine);
  void* self = nullptr;
  const auto find = [&](const char* id) { return s.plugin.host->service(s.plugin.host, id, &self); };
  CHECK(find("postbus.metrics/1") == nullptr);
  CHECK(find("postbus.flow/1") == &flow);
  CHECK(self == &mine);
  CHECK(find("postbus.tea/1") == nullptr);
  const auto* inflight = static_cast<const postbus_inflight*>(find("postbus.inflight/1"));
  REQUIRE(inflight != nullptr);
  CHECK(inflight->list(self, nullptr, 0, nullptr, nullptr) == 0);
  CHECK(inflight->request_stop(self, nullptr, 0, {}) == 0);
}

TEST_CASE("what the plugin publishes is recorded and answered as the test says", "[fake_host]") {
  scene s;
  void* self = nullptr;
  const auto* out = static_cast<const postbus_publisher*>(
      s.plugin.host->service(s.plugin.host, "postbus.publish/1", &self));
  postbus_event fields{};
  fields.size = sizeof fields;
  fields.topic = sdk::str("t");
  fields.data = sdk::bytes("d");
  const postbus_event* all[] = {&fields};
  std::int32_t status = 1;
  s.host.publish_answers(POSTBUS_E_FULL);
  out->publish(self, all, 1,
               {[](void* ctx, std::int32_t st, const void*, const postbus_error*) {
                  *static_cast<std::int32_t*>(ctx) = st;
                },
                &status});
  CHECK(status == POSTBUS_E_FULL);
  REQUIRE(s.host.published().size() == 1);
  CHECK(s.host.published()[0].topic == "t");
  CHECK(s.host.published()[0].data == "d");
}

TEST_CASE("the settings are JSON for create, nested at their dots", "[fake_host]") {
  CHECK(to_json({}) == "{}");
  CHECK(to_json({{"max", 1024},
                 {"limits.a.b", true},
                 {"limits.c", 2.0},
                 {"factor", 1.5e300},
                 {"name", "say \"\\\n\""}}) ==
        R"({"factor":1.5e+300,"limits":{"a":{"b":true},"c":2.0},"max":1024,"name":"say \"\\\u000a\""})");
}

TEST_CASE("a call out of order is the test's own mistake", "[fake_host]") {
  rogue plugin;
  rogue::next = &plugin;
  fake_host host;
  CHECK(is_mistake([&] { host.start(); }));
  CHECK(is_mistake([&] { host.create(rogue::module, "nobody"); }));
  REQUIRE(host.create(rogue::module, "rogue"));
  CHECK(is_mistake([&] { host.run(POSTBUS_AT_PUBLISH, {.topic = "a"}); }));
  REQUIRE(host.start());
  CHECK(is_mistake([&] { host.start(); }));
  CHECK(is_mistake([&] { host.run(POSTBUS_AT_DELIVER, {.topic = "a"}); }));
  CHECK(is_mistake([&] { host.settle(1); }));
  CHECK(is_mistake([&] { host.destroy(); }));
  REQUIRE(host.stop());
  CHECK(is_mistake([&] { host.call("x"); }));
  host.destroy();
  CHECK(is_mistake([&] { host.flags(); }));
}

namespace {
// Answers each call from a thread of its own, through the host's post.
struct threaded {
  static constexpr std::uint32_t flags = 0;
  explicit threaded(sdk::context& c) : ctx(c) {}
  ~threaded() {
    for (std::thread& t : threads) t.join();
  }
  void call(std::string_view method, std::string_view, sdk::completion<std::string_view>&& done) {
    auto late = std::make_shared<sdk::completion<std::string_view>>(std::move(done));
    threads.emplace_back([this, late, method = std::string(method)] {
      ctx.log(POSTBUS_LOG_INFO, method);
      if (method == "post") ctx.post([late] { late->ok("posted"); });
      else if (method == "timer") ctx.timer(0s, [late] { late->ok("timed"); });
      else late->ok("at once");
    });
  }
  sdk::context& ctx;
  std::vector<std::thread> threads;
};
}  // namespace

TEST_CASE("a plugin with threads of its own may call from them, and the test waits for its answers",
          "[fake_host]") {
  hosted<threaded> host;
  const answer a = host.call("at once"), b = host.call("post"), c = host.call("timer");
  REQUIRE(host.wait(a));
  REQUIRE(host.wait(b));
  REQUIRE(host.wait(c));
  CHECK(a.text() == "at once");
  CHECK(b.text() == "posted");
  CHECK(c.text() == "timed");
  CHECK(host.log().size() == 3);
  const answer s = host.stop();
  CHECK(host.wait(s));
}

TEST_CASE("hot functions may be called from many threads at once", "[fake_host]") {
  scene s;
  std::atomic<int> seen = 0;
  s.plugin.on_item = [&](postbus_item& item) {
    const postbus_event* kept = s.plugin.host->event_keep(s.plugin.host, item.event);
    s.plugin.host->event_release(s.plugin.host, kept);
    ++seen;
  };
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        s.host.run(POSTBUS_AT_PUBLISH, {.topic = "a"});
        s.host.publish({.topic = "a"});
      }
    });
  for (std::thread& t : threads) t.join();
  CHECK(seen == 400);
  CHECK(s.host.events().held == 0);
  CHECK(s.host.take_faults().empty());
}

TEST_CASE("a grace period ends when no hot call runs any more", "[fake_host]") {
  scene s;
  void* self = nullptr;
  const auto* runtime =
      static_cast<const postbus_runtime*>(s.plugin.host->service(s.plugin.host, "postbus.runtime/1", &self));
  bool over = false;
  s.plugin.on_item = [&](postbus_item&) {
    runtime->grace_period(self, {[](void* ctx, std::int32_t, const void*, const postbus_error*) {
                                   *static_cast<bool*>(ctx) = true;
                                 },
                                 &over});
    s.host.clock().run_until_idle();
    CHECK(!over);
  };
  s.host.run(POSTBUS_AT_PUBLISH, {.topic = "a"});
  s.host.clock().run_until_idle();
  CHECK(over);
}

TEST_CASE("a real library is loaded and carries events: the memory transport", "[fake_host]") {
  fake_host host;
  const postbus_module& library = load_module(std::string(POSTBUS_TEST_PLUGIN_DIR) + "/memory.so");
  REQUIRE(host.create(library, "memory",
                      {{"instance", ""},
                       {"queue_max", 100},
                       {"queue_bytes_max", 1'000'000},
                       {"history_max", 0},
                       {"history_bytes_max", 1}}));
  REQUIRE(host.start());
  recording_sink sink;
  const answer s = host.subscribe("job:**", sink, {.group = "g", .credit = 2});
  REQUIRE(s);
  for (const char* data : {"one", "two", "three"})
    REQUIRE(host.publish({.topic = "job:1", .data = data, .headers = {{"n", data}}}));
  REQUIRE(host.publish({.topic = "other", .data = "not for us"}));
  CHECK(sink.data() == texts{"one", "two"});
  CHECK(sink.deliveries()[0].event.headers[0].second == "one");
  REQUIRE(host.settle(sink.deliveries()[0].token));
  host.credit(s.pointer(), 1);
  CHECK(sink.data() == texts{"one", "two", "three"});
  REQUIRE(host.quiesce(s.pointer()));
  REQUIRE(host.unsubscribe(s.pointer()));
  CHECK(host.log().empty());
  REQUIRE(host.stop());
  host.destroy();
}

TEST_CASE("a library that is not there is named", "[fake_host]") {
  std::string what;
  try {
    load_module("./no-such-plugin.so");
  } catch (const std::runtime_error& e) {
    what = e.what();
  }
  CHECK(what.find("no-such-plugin.so") != std::string::npos);
}

TEST_CASE("an event in pages of its own cannot be written to, and is gone when its call has returned",
          "[fake_host]") {
  const auto in_child = [](const std::function<void(postbus_item&)>& on_item, int runs) {
    const pid_t child = ::fork();
    if (child == 0) {
      std::signal(SIGSEGV, SIG_DFL);
      scene s;
      s.host.lend_in_pages(true);
      s.plugin.on_item = on_item;
      for (int i = 0; i < runs; ++i)
        s.host.run(POSTBUS_AT_PUBLISH, {.topic = "t", .data = "d", .headers = {{"a", "b"}}});
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return status;
  };
  const auto reads = [](postbus_item& i) {
    if (sdk::view(i.event->topic) != "t" || sdk::header(*i.event, "a") != "b") ::_exit(1);
  };
  CHECK(in_child(reads, 3) == 0);
  const int wrote = in_child([](postbus_item& i) { const_cast<postbus_event*>(i.event)->expires_ns = 1; }, 1);
  CHECK((WIFSIGNALED(wrote) && WTERMSIG(wrote) == SIGSEGV));
  const postbus_event* last = nullptr;
  const int borrowed = in_child(
      [&](postbus_item& i) {
        if (last != nullptr && last->topic.len == 0) ::_exit(1);
        last = i.event;
      },
      2);
  CHECK((WIFSIGNALED(borrowed) && WTERMSIG(borrowed) == SIGSEGV));
}
