// Every method of the admin socket, and every way it refuses.
#define POSTBUS_MODULE test_admin_module
#define POSTBUS_PLUGIN_MANIFEST                                                     \
  R"({"version": "1.0.0", "abi": 1, "plugins": [)"                                  \
  R"({"id": "parrot", "provides": ["postbus.interceptor/1", "postbus.control/1"],)" \
  R"( "methods": ["echo", "fail", "slow", "never", "lines", "garbage", "nothing"]}]})"
#include "refusal.hpp"
#include "support/admin_client.hpp"

#include <postbus/sdk/plugin.hpp>

#include <mutex>
#include <set>

using namespace postbus;
using namespace postbus::tests;

namespace {

std::atomic<bool> slow_may_go{false}, slow_called{false};

class parrot {
 public:
  explicit parrot(sdk::context&) {}
  sdk::verdict on_publish(sdk::item&) { return sdk::verdict::pass; }
  void call(std::string_view method, std::string_view json, sdk::completion<std::string_view>&& done) {
    if (method == "fail") return done.fail(POSTBUS_E_UNAVAILABLE, "not today");
    if (method == "lines") return done.ok("{\n  \"a\": 1\n}\n");
    if (method == "garbage") return done.ok("{oops");
    if (method == "nothing") return done.ok("");
    if (method == "never") {
      const std::lock_guard lock(mutex_);
      kept_.push_back(std::move(done));
      return;
    }
    if (method == "slow") {
      slow_called = true;
      while (!slow_may_go) std::this_thread::yield();
    }
    done.ok(json);
  }
  void stop(sdk::completion<>&& done) {
    const std::lock_guard lock(mutex_);
    kept_.clear();
    done.ok();
  }

 private:
  std::mutex mutex_;
  std::vector<sdk::completion<std::string_view>> kept_;
};

config with_parrot() { return config_for("memory").feature("parrot").module(test_admin_module); }

}  // namespace

POSTBUS_PLUGINS(POSTBUS_PLUGIN("parrot", parrot))

TEST_CASE("publish carries all that an event has, and says its id", "[admin]") {
  bus_with_admin f;
  std::mutex mutex;
  std::optional<event> got;
  const auto s = f.b.subscribe("**", [&](const delivery& d) {
    const std::lock_guard lock(mutex);
    got = d.event();
  });
  const auto take = [&] {
    CHECK(f.b.wait_until_idle());
    const std::lock_guard lock(mutex);
    REQUIRE(got);
    return *std::exchange(got, std::nullopt);
  };
  admin_client c = f.connect();
  const json::value answer = c.result("publish", {{"topic", "a:b"},
                                                  {"data", "grün"},
                                                  {"id", "e1"},
                                                  {"key", "k"},
                                                  {"content_type", "text/plain"},
                                                  {"headers", {{"tenant", "acme"}}},
                                                  {"deadline", "5s"}});
  CHECK(answer == json::value{{"id", "e1"}});
  const event e = take();
  CHECK(e.topic() == "a:b");
  CHECK(e.text() == "grün");
  CHECK(e.id() == "e1");
  CHECK(e.key() == "k");
  CHECK(e.content_type() == "text/plain");
  CHECK(e.header("tenant") == "acme");
  CHECK(e.source() == "fleet");

  const json::value made = c.result("publish", {{"topic", "a"}, {"data_base64", "/wE="}}).at("id");
  const event binary = take();
  CHECK(text(made) == binary.id());
  CHECK(binary.text() == "\xff\x01");

  c.result("publish", {{"topic", "a"}, {"json", {{"n", 1}}}});
  const event structured = take();
  CHECK(structured.text() == "{\"n\":1}");
  CHECK(structured.content_type() == "application/json");
}

TEST_CASE("publish says where the transport put the event, where it does", "[admin]") {
  bus_with_admin f(config_for("hub"));
  admin_client c = f.connect();
  CHECK_FALSE(text(c.result("publish", {{"topic", "a"}, {"data", "x"}}).at("id")).empty());
}

TEST_CASE("what publish refuses is told as the bus tells it", "[admin]") {
  bus_with_admin f(config_for("memory").set("transport.data_max", "10"));
  admin_client c = f.connect();
  const auto code = [&](json::object args) {
    return std::string(text(c.refusal("publish", std::move(args)), "code"));
  };
  CHECK(code({{"data", "x"}}) == "bad_argument");
  CHECK(code({{"topic", "a"}}) == "bad_argument");
  CHECK(code({{"topic", "a"}, {"data", "x"}, {"json", 1}}) == "bad_argument");
  CHECK(code({{"topic", "a"}, {"data", 1}}) == "bad_argument");
  CHECK(code({{"topic", "a"}, {"data_base64", "x"}}) == "bad_argument");
  CHECK(code({{"topic", "a"}, {"data", "x"}, {"deadline", 5}}) == "bad_argument");
  CHECK(code({{"topic", "a"}, {"data", "x"}, {"headers", {{"Bad", "x"}}}}) == "bad_argument");
  CHECK(code({{"topic", "a"}, {"data", "x"}, {"headers", {{"n", 1}}}}) == "bad_argument");
  CHECK(code({{"topic", "a b"}, {"data", "x"}}) == "bad_argument");
  CHECK(code({{"topic", "postbus:x"}, {"data", "x"}}) == "bad_argument");
  CHECK(code({{"topic", "a"}, {"data", "12345678901"}}) == "too_large");
  const json::object e = c.refusal("publish", {{"topik", "a"}, {"data", "x"}});
  CHECK(text(e, "remedy") == "did you mean 'topic'?");
  CHECK(has(text(e, "wanted"), "only topic, data"));
}

TEST_CASE("a publish that waits for room holds nobody up, and fails at its deadline", "[admin]") {
  bus_with_admin f(config_for("memory").set("transport.queue_max", "1"));
  admin_client one = f.connect(), two = f.connect();
  one.result("subscribe", {{"pattern", "a"}, {"group", "g"}, {"prefetch", 1}});
  int sent = 0;
  for (; sent < 3; ++sent) {
    const json::object answer = one.ask("publish", {{"topic", "a"}, {"data", "x"}, {"deadline", "20ms"}});
    if (!answer.contains("error")) continue;
    CHECK(text(answer.at("error").as_object(), "code") == "full");
    break;
  }
  CHECK(sent < 3);
  REQUIRE(one.send("{\"id\":\"waits\",\"method\":\"publish\",\"args\":{\"topic\":\"a\",\"data\":\"y\"}}\n"));
  CHECK(two.result("topics").is_array());
  one.result("ack", {{"delivery", 1}});
  json::object line = one.event();
  while (!line.contains("id")) line = one.event();
  CHECK(line.at("id") == "waits");
  CHECK(line.contains("result"));
}

TEST_CASE("topics lists the subscriptions by pattern and group, with their counts", "[admin]") {
  bus_with_admin f;
  subscribe_options group;
  group.group = "g";
  const auto one = f.b.subscribe("b", [](const delivery&) {});
  const auto two = f.b.subscribe(
      "a:*", [](const delivery&) {}, group);
  const auto three = f.b.subscribe(
      "a:*", [](const delivery&) {}, group);
  f.b.publish("a:1", "x");
  CHECK(f.b.wait_until_idle());
  const json::value list = f.connect().result("topics");
  REQUIRE(list.as_array().size() == 2);
  CHECK(text(list.at(0).at("pattern")) == "a:*");
  CHECK(text(list.at(0).at("group")) == "g");
  CHECK(list.at(0).at("subscribers") == 2);
  CHECK(list.at(0).at("open") == 0);
  CHECK(list.at(0).at("counts").at("acked") == 1);
  CHECK(text(list.at(1).at("pattern")) == "b");
}

TEST_CASE("inflight lists what runs, and stop asks it to stop", "[admin]") {
  bus_with_admin f;
  std::atomic<bool> started{false};
  const auto s = f.b.subscribe("job:{user}", [&](const delivery& d) {
    started = true;
    while (!d.stop_requested()) std::this_thread::yield();
  });
  admin_client c = f.connect();
  const json::value id = c.result("publish", {{"topic", "job:42"}, {"data", ""}}).at("id");
  REQUIRE(eventually([&] { return started.load(); }));
  const json::value list = c.result("inflight");
  REQUIRE(list.as_array().size() == 1);
  const json::object& d = list.at(0).as_object();
  CHECK(d.at("id") == id);
  CHECK(text(d, "topic") == "job:42");
  CHECK(text(d, "pattern") == "job:{user}");
  CHECK(text(d, "group").empty());
  CHECK(d.at("params") == json::value{{"user", "42"}});
  CHECK(d.at("running_for_ns").as_int64() >= 0);
  CHECK(d.at("attempt") == 1);
  CHECK(d.at("stop_requested") == false);
  CHECK(c.result("stop", {{"where", {{"user", "43"}}}}) == json::value{{"asked", 0}});
  CHECK(text(c.refusal("stop"), "code") == "bad_argument");
  CHECK(text(c.refusal("stop", {{"where", "42"}}), "code") == "bad_argument");
  CHECK(c.result("stop", {{"where", {{"user", "42"}}}}) == json::value{{"asked", 1}});
  CHECK(f.b.wait_until_idle());
  CHECK(c.result("inflight") == json::array());
}

TEST_CASE("health tells the whole and its parts", "[admin]") {
  bus_with_admin f;
  admin_client c = f.connect();
  const json::value h = c.result("health");
  CHECK(text(h.at("state")) == "healthy");
  CHECK(h.at("live") == true);
  CHECK(h.at("ready") == true);
  REQUIRE_FALSE(h.at("components").as_array().empty());
  const json::object& part = h.at("components").at(0).as_object();
  CHECK_FALSE(text(part, "name").empty());
  CHECK(text(part, "state") == "healthy");
  CHECK(part.contains("required"));
  CHECK(part.contains("since"));
}

TEST_CASE("metrics come as JSON and as Prometheus has them", "[admin]") {
  bus_with_admin f;
  admin_client c = f.connect();
  const json::value list = c.result("metrics");
  const auto& all = list.as_array();
  const auto queued = std::find_if(all.begin(), all.end(), [](const json::value& m) {
    return text(m.at("name")) == "postbus_memory_queued_events";
  });
  REQUIRE(queued != all.end());
  CHECK(text(queued->at("type")) == "gauge");
  CHECK(queued->at("value") == 0.0);
  CHECK(has(text(c.result("metrics", {{"format", "prometheus"}}).at("text")),
            "# TYPE postbus_memory_queued_events"));
  CHECK(text(c.refusal("metrics", {{"format", "xml"}}), "code") == "bad_argument");
}

TEST_CASE("log sets a level, and refuses one that is none", "[admin]") {
  bus_with_admin f;
  admin_client c = f.connect();
  CHECK(c.result("log", {{"level", "error"}}) == json::object());
  CHECK(c.result("log", {{"level", "off"}, {"module", "bus"}}) == json::object());
  CHECK(text(c.refusal("log"), "found") == "'log' without level");
  CHECK(has(text(c.refusal("log", {{"level", "loud"}}), "wanted"), "trace, debug"));
}

TEST_CASE("methods lists the bus's own and those of its plugins", "[admin]") {
  bus_with_admin f(with_parrot());
  const json::value list = f.connect().result("methods");
  std::set<std::string> names;
  for (const json::value& m : list.as_array()) names.emplace(text(m.at("name")));
  for (const char* name :
       {"publish", "subscribe", "tail", "unsubscribe", "ack", "retry", "reject", "topics", "inflight", "stop",
        "health", "metrics", "log", "methods", "parrot.echo", "parrot.never"}) {
    CAPTURE(name);
    CHECK(names.contains(name));
  }
}

TEST_CASE("a method that is not there is refused, with the nearest name and the list", "[admin]") {
  bus_with_admin f(with_parrot());
  admin_client c = f.connect();
  const json::object own = c.refusal("publsh");
  CHECK(text(own, "code") == "no_such_method");
  CHECK(text(own, "remedy") == "did you mean 'publish'?");
  CHECK(has(text(own, "wanted"), "parrot.echo"));
  const json::object plugins = c.refusal("parrot.ekho");
  CHECK(text(plugins, "code") == "no_such_method");
  CHECK(text(plugins, "remedy") == "did you mean 'parrot.echo'?");
  CHECK(text(c.refusal("nobody.echo"), "code") == "no_such_method");
  CHECK(text(c.refusal("topics", {{"x", 1}}), "wanted") == "no arguments");
}

TEST_CASE("a plugin's method is called by its name, and its answer is one line of JSON", "[admin]") {
  bus_with_admin f(with_parrot());
  admin_client c = f.connect();
  CHECK(c.result("parrot.echo", {{"a", {1, 2}}}) == json::value{{"a", {1, 2}}});
  CHECK(c.result("parrot.lines") == json::value{{"a", 1}});
  CHECK(c.result("parrot.nothing") == json::object());
  const json::object failed = c.refusal("parrot.fail");
  CHECK(text(failed, "code") == "unavailable");
  CHECK(has(text(failed, "message"), "not today"));
  CHECK(has(text(c.refusal("parrot.garbage"), "message"), "no JSON"));
}

TEST_CASE("a plugin that takes its time holds up neither the bus nor the clients", "[admin]") {
  slow_may_go = slow_called = false;
  bus_with_admin f(with_parrot());
  admin_client one = f.connect(), two = f.connect();
  REQUIRE(one.send(
      "{\"id\":1,\"method\":\"parrot.slow\",\"args\":{\"x\":1}}\n{\"id\":2,\"method\":\"topics\"}\n"));
  REQUIRE(eventually([&] { return slow_called.load(); }));
  CHECK(one.next().at("id") == 2);  // answered as they complete
  CHECK(two.result("publish", {{"topic", "a"}, {"data", "x"}}).is_object());
  slow_may_go = true;
  CHECK(one.next().at("result") == json::value{{"x", 1}});
}

TEST_CASE("a plugin that never answers is given up at the deadline, and close does not mind", "[admin]") {
  bus_with_admin f(with_parrot());
  admin_client c = f.connect();
  REQUIRE(
      c.send("{\"id\":1,\"method\":\"parrot.never\",\"deadline\":\"20ms\"}\n{\"id\":2,\"method\":\"parrot."
             "never\"}\n"));
  const json::object late = c.next();
  CHECK(late.at("id") == 1);
  CHECK(text(late.at("error").as_object(), "code") == "timed_out");
  CHECK(c.result("topics").is_array());
  CHECK(f.b.close().clean);
}

TEST_CASE("a client that is lost while it is not read gives back what it had all the same", "[admin]") {
  bus_with_admin f(with_parrot());
  admin_client lost = f.connect(), heir = f.connect();
  lost.result("subscribe", {{"pattern", "a"}, {"group", "g"}});
  f.b.publish("a", "1");
  CHECK(lost.event().contains("delivery"));
  for (int n = 0; n < 64; ++n) REQUIRE(lost.send("{\"method\":\"parrot.never\",\"deadline\":\"1h\"}\n"));
  heir.result("subscribe", {{"pattern", "a"}, {"group", "g"}});
  lost.kill();
  CHECK(text(heir.event().at("event").at("data")) == "1");
}

TEST_CASE("a plugin that does not come back holds up close no longer than its deadline", "[admin]") {
  // Leaks on purpose what it abandons, as close promises.
  slow_may_go = slow_called = false;
  {
    bus_with_admin f(with_parrot());
    admin_client c = f.connect();
    REQUIRE(c.send("{\"method\":\"parrot.slow\"}\n"));
    REQUIRE(eventually([&] { return slow_called.load(); }));
    CHECK_FALSE(f.b.close(1ms, 1ms).clean);
    CHECK(c.next().at("closing") == true);
  }
  slow_may_go = true;
}

TEST_CASE("a client is read no further while 64 of its requests are unanswered", "[admin]") {
  bus_with_admin f(with_parrot());
  admin_client c = f.connect(), other = f.connect();
  for (int n = 0; n < 64; ++n)
    REQUIRE(c.send("{\"id\":1,\"method\":\"parrot.never\",\"deadline\":\"300ms\"}\n"));
  REQUIRE(c.send("{\"id\":2,\"method\":\"topics\"}\n"));
  CHECK(other.result("topics").is_array());
  CHECK(c.next().at("id") == 1);  // the first that was given up makes room
  for (int n = 0; n < 63; ++n) {
    const json::object line = c.next();
    if (line.at("id") == 2) return;
  }
  CHECK(c.next().at("id") == 2);
}
