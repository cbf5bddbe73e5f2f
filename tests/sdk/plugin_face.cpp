// What a C++ author writes, and what the host sees of it: plugin.hpp, interceptor.hpp, context.hpp.
#include "hosted.hpp"

#include <new>
#include <stdexcept>
#include <string>
#include <vector>

namespace sdk = postbus::sdk;
using namespace postbus::testing;
using namespace std::chrono_literals;

namespace {

using texts = std::vector<std::string>;

// Throws what the text names.
void throw_it(std::string_view what) {
  if (what == "failure") throw sdk::failure(POSTBUS_E_UNAVAILABLE, "the link is down");
  if (what == "success") throw sdk::failure(POSTBUS_OK, "a failure that says OK");
  if (what == "exception") throw std::runtime_error("out of luck");
  if (what == "memory") throw std::bad_alloc();
  if (what == "anything") throw 7;
}

// Answers with the verdict that the data names.
struct judge {
  explicit judge(sdk::context& c) : ctx(c) {}
  sdk::verdict on_publish(sdk::item& i) {
    throw_it(i.data());
    if (i.data() == "drop") return sdk::verdict::drop;
    if (i.data() == "reject") return i.reject(3);
    if (i.data() == "hold") return sdk::verdict::hold;
    if (i.data() == "park") return sdk::verdict::park;
    if (i.data() == "replace") return i.replace(other(i));
    if (i.data() == "replace with nothing") return i.replace({});
    if (i.data() == "change of mind") return (void)i.replace(other(i)), sdk::verdict::pass;
    return sdk::verdict::pass;
  }
  sdk::verdict on_deliver(sdk::item& i) {
    throw_it(i.data());
    seen = std::string(i.topic()) + " " + std::string(i.key()) + " " + std::to_string(i.attempt()) + " " +
           std::to_string(i.memo());
    ticket = i.ticket();
    i.memo() = 43;
    return sdk::verdict::drop;
  }
  sdk::kept_event other(sdk::item& i) const {
    postbus_event fields = i.event();
    fields.topic = sdk::str("elsewhere");
    return ctx.make(fields);
  }
  sdk::context& ctx;
  std::string seen;
  std::uint64_t ticket = 0;
};

std::vector<log_line> error_line(std::string text) { return {{POSTBUS_LOG_ERROR, std::move(text)}}; }

}  // namespace

TEST_CASE("each verdict and its reason reach the host as the feature said them", "[plugin_face]") {
  hosted<judge> host;
  const auto says = [&](const char* data) {
    return host.run(POSTBUS_AT_PUBLISH, {.topic = "a", .data = data});
  };
  CHECK(says("nothing special").verdict == sdk::verdict::pass);
  CHECK(says("drop").verdict == sdk::verdict::drop);
  CHECK(says("hold").verdict == sdk::verdict::hold);
  CHECK(says("park").verdict == sdk::verdict::park);
  CHECK(says("reject").verdict == sdk::verdict::reject);
  CHECK(says("reject").reason == 3);
  CHECK(says("drop").reason == 0);
  CHECK(host.log().empty());
}

TEST_CASE("a replacement goes to the host with its reference, and nothing is kept", "[plugin_face]") {
  hosted<judge> host;
  const item_answer a = host.run(POSTBUS_AT_PUBLISH, {.topic = "a",
                                                      .data = "replace",
                                                      .headers = {{"color", "red"}},
                                                      .key = "k",
                                                      .content_type = "text/plain"});
  CHECK(a.verdict == sdk::verdict::replace);
  REQUIRE(a.replacement);
  CHECK(a.replacement->topic == "elsewhere");
  CHECK(a.replacement->data == "replace");
  CHECK(a.replacement->headers == std::vector<std::pair<std::string, std::string>>{{"color", "red"}});
  CHECK(a.replacement->key == "k");
  CHECK(a.replacement->content_type == "text/plain");
  CHECK(host.events().made == 1);
  CHECK(host.events().held == 0);
}

TEST_CASE("a replacement that could not be made is the verdict fail", "[plugin_face]") {
  hosted<judge> host;
  CHECK(host.run(POSTBUS_AT_PUBLISH, {.topic = "a", .data = "replace with nothing"}).verdict ==
        sdk::verdict::fail);
  host.out_of_memory(true);
  CHECK(host.run(POSTBUS_AT_PUBLISH, {.topic = "a", .data = "replace"}).verdict == sdk::verdict::fail);
}

TEST_CASE("a replacement that is not used in the end is let go of", "[plugin_face]") {
  hosted<judge> host;
  const item_answer a = host.run(POSTBUS_AT_PUBLISH, {.topic = "a", .data = "change of mind"});
  CHECK(a.verdict == sdk::verdict::pass);
  CHECK(host.events().made == 1);
  CHECK(host.events().held == 0);
}

TEST_CASE("a delivery comes with key, attempt and memo, and what is left in memo is kept", "[plugin_face]") {
  hosted<judge> host;
  const item_answer a =
      host.run(POSTBUS_AT_DELIVER, {.topic = "job:7"}, {.key = "seven", .attempt = 2, .memo = 42});
  CHECK(a.verdict == sdk::verdict::drop);
  CHECK(a.memo == 43);
  CHECK(host.it().seen == "job:7 seven 2 42");
  CHECK(host.it().ticket == a.ticket);
}

TEST_CASE("an exception is the verdict fail and a log line, and the rest of the batch is not touched",
          "[plugin_face]") {
  hosted<judge> host;
  const std::vector<event> batch{
      {.topic = "a", .data = "drop"}, {.topic = "a", .data = "exception"}, {.topic = "a", .data = "drop"}};
  const auto answers = host.run(POSTBUS_AT_PUBLISH, batch);
  CHECK(answers[0].verdict == sdk::verdict::drop);
  CHECK(answers[1].verdict == sdk::verdict::fail);
  CHECK(answers[2].verdict == sdk::verdict::drop);
  CHECK(host.log() == error_line("out of luck"));
}

namespace {
// Takes what comes together, at the stages that its settings say.
struct batcher {
  explicit batcher(sdk::context&) {}
  std::uint32_t stages() const { return POSTBUS_AT_DELIVER; }
  void on_batch(std::uint32_t stage, std::span<postbus_item> items) {
    seen += std::to_string(stage) + "x" + std::to_string(items.size()) + " ";
    for (postbus_item& raw : items) {
      throw_it(sdk::view(raw.event->data));
      raw.verdict = POSTBUS_DROP;
      whole += sdk::item(raw).has_key_configured() ? "key " : "";
    }
  }
  std::string seen, whole;
};
}  // namespace

TEST_CASE("a feature may take a batch at once; an exception fails all of it", "[plugin_face]") {
  hosted<batcher> host;
  const std::vector<event> batch(3, {.topic = "a", .data = "drop"});
  for (const auto& a : host.run(POSTBUS_AT_DELIVER, batch)) CHECK(a.verdict == sdk::verdict::drop);
  CHECK(host.it().seen == "4x3 ");
  const std::vector<event> bad{{.topic = "a", .data = "drop"}, {.topic = "a", .data = "exception"}};
  for (const auto& a : host.run(POSTBUS_AT_DELIVER, bad)) CHECK(a.verdict == sdk::verdict::fail);
  CHECK(host.log() == error_line("out of luck"));
  CHECK_THROWS(host.run(POSTBUS_AT_PUBLISH, batch));  // a stage that it does not look at
}

TEST_CASE("whatever on_deliver throws ends at the boundary", "[plugin_face]") {
  const auto line_for = [](const char* what) {
    hosted<judge> host;
    CHECK(host.run(POSTBUS_AT_DELIVER, {.topic = "a", .data = what}).verdict == sdk::verdict::fail);
    return host.log();
  };
  CHECK(line_for("failure") == error_line("the link is down"));
  CHECK(line_for("exception") == error_line("out of luck"));
  CHECK(line_for("memory") == error_line("no memory"));
  CHECK(line_for("anything") == error_line("the plugin threw something that is no std::exception"));
}

namespace {
struct silent {  // one stage only
  explicit silent(sdk::context&) {}
  sdk::verdict on_deliver(sdk::item&) { return sdk::verdict::pass; }
};
struct reader_of_ids : silent {
  using silent::silent;
  static constexpr std::uint32_t needs = POSTBUS_NEED_ID;
};
struct clocked : silent {
  using silent::silent;
  static constexpr std::uint32_t flags = 0;
};
}  // namespace

TEST_CASE("the table says which stages, needs and flags the class has", "[plugin_face]") {
  const auto stages = [](const fake_host& host) {
    return host.interface<postbus_interceptor>("postbus.interceptor/1")->stages;
  };
  const hosted<judge> both;
  const hosted<silent> one;
  CHECK(stages(both) == (POSTBUS_AT_PUBLISH | POSTBUS_AT_DELIVER));
  CHECK(stages(one) == POSTBUS_AT_DELIVER);
  CHECK(one.interface<postbus_interceptor>("postbus.interceptor/1")->size == sizeof(postbus_interceptor));
  CHECK(one.interface<postbus_interceptor>("postbus.interceptor/1")->needs == 0);
  CHECK(hosted<reader_of_ids>().interface<postbus_interceptor>("postbus.interceptor/1")->needs ==
        POSTBUS_NEED_ID);
  CHECK(one.flags() == POSTBUS_CAN_VIRTUAL_TIME);
  CHECK(hosted<clocked>().flags() == 0);
}

TEST_CASE("a class has the interfaces of what it is, and no other", "[plugin_face]") {
  const hosted<silent> host;
  CHECK(host.interface<void>("postbus.interceptor/1") != nullptr);
  CHECK(host.interface<void>("postbus.transport/1") == nullptr);
  CHECK(host.interface<void>("postbus.control/1") == nullptr);
  CHECK(host.interface<void>("postbus.interceptor/2") == nullptr);
}

namespace {
// Keeps, fills and makes events.
struct keeper {
  explicit keeper(sdk::context& c) : ctx(c) {}
  sdk::verdict on_publish(sdk::item& i) {
    before = i.event().id.len;
    ctx.fill(i.event());
    id = sdk::view(i.event().id);
    kept = ctx.keep(i.event());
    original = &i.event();
    return sdk::verdict::pass;
  }
  sdk::context& ctx;
  std::size_t before = 0;
  std::string id;
  sdk::kept_event kept;
  const postbus_event* original = nullptr;
};
}  // namespace

TEST_CASE("an event that is kept outlives its call, and is released with its owner", "[plugin_face]") {
  hosted<keeper> host;
  host.run(POSTBUS_AT_PUBLISH, {.topic = "a", .data = "stays", .id = "seven"});
  CHECK(host.it().before == 0);  // it did not declare POSTBUS_NEED_ID
  CHECK(host.it().id == "seven");
  CHECK(host.it().kept.get() != host.it().original);
  CHECK(sdk::view(host.it().kept->data) == "stays");
  CHECK(sdk::view(host.it().kept->id) == "seven");
  CHECK(host.events().held == 1);
  sdk::kept_event moved = std::move(host.it().kept);
  CHECK(!host.it().kept);
  CHECK(host.events().held == 1);
  host.it().kept = std::move(moved);
  REQUIRE(host.stop());
  host.destroy();
  CHECK(host.events().held == 0);
  CHECK(host.events().kept == 1);
  CHECK(host.events().filled == 1);
  CHECK(host.events().released == 1);
}

TEST_CASE("keep finds no memory: an empty owner", "[plugin_face]") {
  hosted<keeper> host;
  host.out_of_memory(true);
  host.run(POSTBUS_AT_PUBLISH, {.topic = "a"});
  CHECK(!host.it().kept);
}

namespace {
// Reads one setting in its constructor, as the setting `read` says.
struct reader {
  explicit reader(sdk::context& ctx) {
    const std::string_view kind = ctx.text("read");
    if (kind == "integer") got = std::to_string(ctx.integer("x"));
    if (kind == "number") got = std::to_string(ctx.number("x"));
    if (kind == "boolean") got = ctx.boolean("x") ? "yes" : "no";
    if (kind == "text") got = ctx.text("x");
    if (kind == "duration") got = std::to_string(ctx.duration("x") / 1ms) + "ms";
    if (kind == "nested") got = ctx.text("limits.name");
    if (kind == "all") got = ctx.config();
    throw_it(kind);
  }
  void call(std::string_view, std::string_view, sdk::completion<std::string_view>&& done) { done.ok(got); }
  std::string got;
};
std::string read_as(const char* kind, setting value) {
  return hosted<reader>({{"read", kind}, {"x", std::move(value)}}).call("x").text();
}
answer refused_as(const char* kind, setting value) {
  fake_host host;
  const answer a = host.create(module_of<reader>::module, "it", {{"read", kind}, {"x", std::move(value)}});
  CHECK(!a);
  return a;
}
}  // namespace

TEST_CASE("settings come by name and type", "[plugin_face]") {
  CHECK(read_as("integer", 7) == "7");
  CHECK(read_as("number", 2.5) == "2.500000");
  CHECK(read_as("number", 2) == "2.000000");
  CHECK(read_as("boolean", true) == "yes");
  CHECK(read_as("boolean", false) == "no");
  CHECK(read_as("text", "seven") == "seven");
  CHECK(read_as("duration", 250'000'000) == "250ms");
  CHECK(hosted<reader>({{"read", "nested"}, {"limits.name", "n"}}).call("x").text() == "n");
}

TEST_CASE("all settings are there as JSON, for those that are no single value", "[plugin_face]") {
  CHECK(hosted<reader>({{"read", "all"}, {"limits.name", "n"}, {"words", list{R"(["a","b"])"}}})
            .call("x")
            .text() == R"({"limits":{"name":"n"},"read":"all","words":["a","b"]})");
}

TEST_CASE("a setting of another type or name refuses the configuration, and is named", "[plugin_face]") {
  const auto check = [](const answer& a) {
    CHECK(a.status() == POSTBUS_E_INVALID);
    CHECK(a.message() == "no setting 'x' of this type in the schema of plugin.json");
  };
  check(refused_as("integer", "7"));
  check(refused_as("integer", 7.0));
  check(refused_as("number", "7"));
  check(refused_as("boolean", 1));
  check(refused_as("text", 7));
  check(refused_as("duration", "1s"));
  fake_host host;
  const answer none = host.create(module_of<reader>::module, "it", {{"x", 7}});
  CHECK(none.message() == "no setting 'read' of this type in the schema of plugin.json");
}

TEST_CASE("a constructor that throws refuses the configuration with its code and message", "[plugin_face]") {
  const auto check = [](const char* what, std::int32_t status, const char* message) {
    const answer a = refused_as(what, 0);
    CHECK(a.status() == status);
    CHECK(a.message() == message);
  };
  check("failure", POSTBUS_E_UNAVAILABLE, "the link is down");
  check("success", POSTBUS_E_FAIL, "a failure that says OK");
  check("exception", POSTBUS_E_FAIL, "out of luck");
  check("memory", POSTBUS_E_NOMEM, "no memory");
  check("anything", POSTBUS_E_FAIL, "the plugin threw something that is no std::exception");
}

TEST_CASE("a host without settings is told so", "[plugin_face]") {
  fake_host host;
  host.hide_service("postbus.settings/1");
  const answer a = host.create(module_of<reader>::module, "it", {{"read", "text"}});
  CHECK(a.status() == POSTBUS_E_UNSUPPORTED);
  CHECK(a.message() == "this host has no postbus.settings/1");
}

namespace {
// Throws in start, stop, call, or in a callback, as it is told.
struct thrower {
  explicit thrower(sdk::context& c)
      : ctx(c),
        in_start(c.text("start")),
        in_stop(c.text("stop")),
        metric(c.metric(POSTBUS_COUNTER, "thrown_total", "Times thrown.")) {}
  void start(sdk::completion<>&& done) {
    throw_it(in_start);
    done.ok();
  }
  void stop(sdk::completion<>&& done) {
    throw_it(in_stop);
    done.ok();
  }
  void call(std::string_view method, std::string_view json, sdk::completion<std::string_view>&& done) {
    ctx.add(metric);
    if (method == "post") ctx.post([what = std::string(json)] { throw_it(what); });
    if (method == "timer") ctx.timer(1s, [what = std::string(json)] { throw_it(what); });
    if (method == "grace") ctx.after_grace_period([what = std::string(json)] { throw_it(what); });
    if (method == "throw") throw_it(json);
    if (method == "answer, then throw") {
      done.ok("answered");
      throw_it(json);
    }
    done.ok("{}");
  }
  sdk::context& ctx;
  std::string in_start, in_stop;
  std::uint32_t metric;
};
const settings quiet_life{{"start", ""}, {"stop", ""}};
}  // namespace

TEST_CASE("a start that throws fails with the message, and stop comes after it", "[plugin_face]") {
  fake_host host;
  REQUIRE(host.create(module_of<thrower>::module, "it", {{"start", "failure"}, {"stop", ""}}));
  const answer a = host.start();
  CHECK(a.status() == POSTBUS_E_UNAVAILABLE);
  CHECK(a.message() == "the link is down");
  CHECK(host.stop());
  host.destroy();
}

TEST_CASE("a stop that throws has stopped", "[plugin_face]") {
  hosted<thrower> host({{"start", ""}, {"stop", "exception"}});
  CHECK(host.stop());
}

TEST_CASE("a call that throws is answered with code and message", "[plugin_face]") {
  hosted<thrower> host(quiet_life);
  const auto check = [&](const char* what, std::int32_t status, const char* message) {
    const answer a = host.call("throw", what);
    CHECK(a.status() == status);
    CHECK(a.message() == message);
  };
  check("failure", POSTBUS_E_UNAVAILABLE, "the link is down");
  check("exception", POSTBUS_E_FAIL, "out of luck");
  check("memory", POSTBUS_E_NOMEM, "no memory");
  check("anything", POSTBUS_E_FAIL, "the plugin threw something that is no std::exception");
  CHECK(host.call("throw", "nothing").text() == "{}");
}

TEST_CASE("what is thrown after the answer changes nothing", "[plugin_face]") {
  hosted<thrower> host(quiet_life);
  CHECK(host.call("answer, then throw", "exception").text() == "answered");
}

TEST_CASE("what a callback throws is a log line", "[plugin_face]") {
  hosted<thrower> host(quiet_life);
  for (const char* how : {"post", "timer", "grace"}) {
    CAPTURE(how);
    const std::size_t before = host.log().size();
    REQUIRE(host.call(how, "exception"));
    host.clock().advance(1s);
    REQUIRE(host.log().size() == before + 1);
    CHECK(host.log().back() == error_line("out of luck").front());
  }
  CHECK(host.metric_value("thrown_total") == 3);
  CHECK(host.metrics()[0].help == "Times thrown.");
}

TEST_CASE("a timer that is pending when the plugin stops never runs", "[plugin_face]") {
  hosted<thrower> host(quiet_life);
  REQUIRE(host.call("timer", "exception"));
  CHECK(host.pending_timers() == 1);
  CHECK(host.stop());
  host.destroy();
  host.clock().advance(1h);
  CHECK(host.log().empty());
}

namespace {
// Uses every other thing that a context has.
struct user {
  explicit user(sdk::context& c) : ctx(c) {}
  void call(std::string_view method, std::string_view, sdk::completion<std::string_view>&& done) {
    if (method == "well") ctx.healthy();
    if (method == "unwell") ctx.unwell(POSTBUS_DEGRADED, "the disk is slow", "replace it");
    if (method == "log" && ctx.logs(POSTBUS_LOG_WARN)) ctx.log(POSTBUS_LOG_WARN, "slow");
    if (method == "time")
      return done.ok(std::to_string(ctx.now_ns()) + " " + std::to_string(ctx.wall_ns() - ctx.now_ns()));
    if (method == "random") return done.ok(std::to_string(ctx.random()));
    if (method == "cancel") ctx.cancel(ctx.timer(1s, [this] { ctx.log(POSTBUS_LOG_INFO, "not cancelled"); }));
    if (method == "publish") {
      void* self = nullptr;
      const auto* out = ctx.service<postbus_publisher>("postbus.publish/1", &self);
      postbus_event fields{};
      fields.size = sizeof fields;
      fields.topic = sdk::str("from:plugin");
      const postbus_event* all[] = {&fields};
      out->publish(self, all, 1, {});
    }
    done.ok("{}");
  }
  sdk::context& ctx;
};
}  // namespace

TEST_CASE("health, log, clock and publish reach the host", "[plugin_face]") {
  manual_clock clock(7);
  hosted<user> host(clock, {});
  clock.advance(3ns);
  for (const char* method : {"unwell", "well", "log", "cancel", "publish"}) REQUIRE(host.call(method));
  CHECK(host.states() == std::vector<health_state>{{POSTBUS_DEGRADED, "the disk is slow", "replace it"},
                                                   {POSTBUS_HEALTHY, "", ""}});
  CHECK(host.call("time").text() == "3 1767225600000000000");
  CHECK(host.call("random").text() == std::to_string(manual_clock(7).random()));
  clock.advance(1s);
  CHECK(host.log() == std::vector<log_line>{{POSTBUS_LOG_WARN, "slow"}});
  REQUIRE(host.published().size() == 1);
  CHECK(host.published()[0].topic == "from:plugin");
}
