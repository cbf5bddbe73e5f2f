// Dead letters: what is kept, how it is looked at, and how it is sent back.
#define POSTBUS_MODULE dead_letter_puppets
#include "puppet.hpp"
#include "refusal.hpp"
#include "text/json.hpp"

#include <set>

using namespace postbus;
using namespace postbus::tests;
namespace json = boost::json;

namespace {

// A store that takes nothing while it is told to.
class moody_store {
 public:
  explicit moody_store(sdk::context&) {}
  void execute(std::span<const postbus_op> ops, sdk::store_completion&& done) {
    ++asked;
    if (is_away) return done.fail(POSTBUS_E_UNAVAILABLE, "the store is away");
    const std::vector<postbus_op_result> results(ops.size());
    done.ok(results);
  }
  static inline bool is_away = false;
  static inline int asked = 0;
};

config with_store() { return config_for("memory").set("store.plugin", "memory-store"); }

struct virtual_bus {
  testing::manual_clock clock;
  bus b;

  explicit virtual_bus(config c = with_store()) : b(c.clock(clock)) {}

  subscription failing(std::string_view pattern, std::string group = "", unsigned attempts = 2) {
    subscribe_options o;
    o.group = std::move(group);
    o.max_deliveries = attempts;
    return b.subscribe(
        pattern, [](const delivery& d) { throw std::runtime_error("no " + std::string(d.text())); }, o);
  }
  json::value call(std::string_view method, std::string_view args = "{}") {
    return json::parse(b.call("dead." + std::string(method), args));
  }
  json::array letters(std::string_view box) {
    return call("list", "{\"box\":\"" + std::string(box) + "\"}").at("letters").as_array();
  }
};

}  // namespace

TEST_CASE("what fails too often is kept with all that is known of it", "[dead]") {
  virtual_bus v(with_store().set("store.answers", GENERATE("at-once", "later")));
  const auto s = v.failing("jobs:*", "workers");
  const header headers[] = {{"colour", "blue"}};
  publish_options o;
  o.headers = headers;
  o.id = "e1";
  o.key = "k";
  o.content_type = "text/plain";
  v.b.publish("jobs:1", "tea", o);
  v.clock.advance(1min);
  CHECK(s.counts().dead == 1);
  CHECK(s.counts().taken_on == sum(s.counts()));
  CHECK(v.call("boxes") == json::parse(R"([{"box":"workers","events":1}])"));
  const json::array letters = v.letters("workers");
  REQUIRE(letters.size() == 1);
  const json::object& row = letters[0].as_object();
  CHECK(row.at("entry") == "postbus/e1");
  CHECK(row.at("topic") == "jobs:1");
  CHECK(row.at("reason") == "max_deliveries");
  CHECK(row.at("error") == "no tea");
  CHECK(row.at("group") == "workers");
  CHECK(row.at("deliveries") == 2);
  CHECK(row.at("bytes") == 3);
  CHECK(row.at("firsttime") == "2026-01-01T00:00:00Z");
  CHECK(row.at("time").as_string() != row.at("firsttime").as_string());
  const json::value shown = v.call("show", R"({"box":"workers","entry":"e1"})");
  CHECK(shown.at("data") == "tea");
  CHECK(shown.at("key") == "k");
  CHECK(shown.at("content_type") == "text/plain");
  CHECK(shown.at("headers").at("colour") == "blue");
  CHECK(shown.at("headers").at("deadtopic") == "jobs:1");
}

TEST_CASE("a rejected event, and one that cannot be decoded, are kept too", "[dead]") {
  testing::manual_clock clock;
  bus b(config_for("puppet")
            .module(dead_letter_puppets)
            .plugin_path(POSTBUS_TEST_PLUGIN_DIR)
            .set("store.plugin", "memory-store")
            .clock(clock));
  const auto s = b.subscribe("a", [](const delivery&) { throw reject{"never"}; });
  b.call("puppet.deliver", "not msgpack");
  clock.run_until_idle();
  const json::value letters = json::parse(b.call("dead.list", R"({"box":"a"})"));
  REQUIRE(letters.at("letters").as_array().size() == 1);
  CHECK(letters.at("letters").at(0).at("reason") == "undecodable");
  CHECK(letters.at("letters").at(0).at("deliveries") == 0);
  CHECK(s.counts().dead == 1);
  virtual_bus v;
  const auto t = v.b.subscribe("a", [](const delivery&) { throw reject{"never"}; });
  v.b.publish("a", "x");
  v.clock.run_until_idle();
  REQUIRE(v.letters("a").size() == 1);
  CHECK(v.letters("a")[0].at("reason") == "rejected");
  CHECK(v.letters("a")[0].at("error") == "never");
}

TEST_CASE("only the group that failed has it in its box", "[dead]") {
  virtual_bus v;
  int others = 0;
  const auto s = v.failing("a", "bad");
  subscribe_options o;
  o.group = "good";
  const auto t = v.b.subscribe(
      "a", [&](const delivery&) { ++others; }, o);
  v.b.publish("a", "x");
  v.clock.advance(1min);
  CHECK(others == 1);
  CHECK(v.letters("bad").size() == 1);
  CHECK(v.letters("good").empty());
}

TEST_CASE("one that is sent back keeps its id, counts anew, and only its group sees it", "[dead]") {
  virtual_bus v;
  bool fails = true;
  std::vector<std::pair<std::string, unsigned>> seen;
  int others = 0;
  subscribe_options o;
  o.group = "workers";
  o.max_deliveries = 2;
  const auto s = v.b.subscribe(
      "a",
      [&](const delivery& d) {
        seen.emplace_back(d.id(), d.attempt());
        if (fails) throw std::runtime_error("no");
        CHECK_FALSE(d.header("deadreason"));
        CHECK(d.header("requeuedto") == std::optional<std::string_view>("workers"));
      },
      o);
  const auto t = v.b.subscribe("a", [&](const delivery&) { ++others; });
  publish_options p;
  p.id = "e1";
  v.b.publish("a", "x", p);
  v.clock.advance(1min);
  fails = false;
  CHECK(v.call("requeue", R"({"box":"workers","entry":"postbus/e1"})") == json::parse(R"({"requeued":1})"));
  v.clock.run_until_idle();
  CHECK(seen == std::vector<std::pair<std::string, unsigned>>{{"e1", 1}, {"e1", 2}, {"e1", 1}});
  CHECK(others == 1);
  CHECK(t.counts().dropped == 1);
  CHECK(v.letters("workers").empty());
  CHECK(v.call("boxes").as_array().empty());
}

TEST_CASE("one that dies again is in its box again, once", "[dead]") {
  virtual_bus v;
  const auto s = v.failing("a", "g");
  v.b.publish("a", "x");
  v.clock.advance(1min);
  v.call("requeue", R"({"box":"g","all":true})");
  v.clock.advance(1min);
  CHECK(v.letters("g").size() == 1);
  CHECK(s.counts().dead == 2);
}

TEST_CASE("many are listed by the page, sent back by filter, and purged", "[dead]") {
  virtual_bus v;
  auto s = v.failing("jobs:**", "g", 1);
  for (int n = 0; n < 150; ++n) v.b.publish(n % 3 == 0 ? "jobs:c" : "jobs:d", std::to_string(n));
  v.clock.run_until_idle();  // all die at one moment
  std::set<std::string> entries;
  std::string after;
  for (int page = 0; page < 10; ++page) {
    json::object args{{"box", "g"}};
    if (!after.empty()) args["after"] = after;
    const json::value p = v.call("list", json::serialize(args));
    for (const json::value& l : p.at("letters").as_array()) entries.emplace(l.at("entry").as_string());
    if (!p.as_object().contains("after")) break;
    after = p.at("after").as_string();
  }
  CHECK(entries.size() == 150);
  s.unsubscribe();
  v.clock.run_until_idle();
  CHECK(v.call("purge", R"({"box":"g","all":true,"topic":"jobs:c","max":10})") ==
        json::parse(R"({"purged":10})"));
  CHECK(v.call("purge", R"({"box":"g","all":true,"topic":"jobs:c"})") == json::parse(R"({"purged":40})"));
  CHECK(v.call("requeue", R"({"box":"g","all":true,"error":"no 1"})").at("requeued") == 42);
  CHECK(v.call("requeue", R"({"box":"g","all":true,"reason":"rejected"})").at("requeued") == 0);
  CHECK(v.call("purge", R"({"box":"g","all":true})").at("purged") == 58);
  CHECK(v.call("boxes").as_array().empty());
}

TEST_CASE("a rate holds requeueing back", "[dead]") {
  bus b(with_store());
  {
    subscribe_options o;
    o.group = "g";
    o.max_deliveries = 1;
    const auto s = b.subscribe(
        "a", [](const delivery&) { throw 1; }, o);
    for (int n = 0; n < 5; ++n) b.publish("a", "x");
    REQUIRE(b.wait_until_idle(deadline));
  }
  const auto start = std::chrono::steady_clock::now();
  CHECK(has(b.call("dead.requeue", R"({"box":"g","all":true,"rate":100})"), "\"requeued\":5"));
  CHECK(std::chrono::steady_clock::now() - start >= 40ms);
}

TEST_CASE("what dies is announced within the bus", "[dead]") {
  virtual_bus v;
  std::vector<json::value> told;
  const auto listening = v.b.subscribe("postbus:dead", [&](const delivery& d) { told.push_back(d.json()); });
  const auto s = v.failing("a", "g");
  publish_options o;
  o.id = "e1";
  v.b.publish("a", "x", o);
  v.clock.advance(1min);
  REQUIRE(told.size() == 1);
  CHECK(told[0].at("box") == "g");
  CHECK(told[0].at("id") == "e1");
  CHECK(told[0].at("reason") == "max_deliveries");
  CHECK(told[0].at("topic") == "a");
  CHECK(listening.counts().acked == 1);
}

TEST_CASE("while the store is away dead letters wait, and nothing is lost", "[dead]") {
  moody_store::is_away = true;
  testing::manual_clock clock;
  bus b(config_for("memory").module(dead_letter_puppets).set("store.plugin", "moody-store").clock(clock));
  subscribe_options o;
  o.group = "g";
  o.max_deliveries = 1;
  int calls = 0;
  auto s = b.subscribe(
      "a",
      [&](const delivery&) {
        ++calls;
        throw 1;
      },
      o);
  b.publish("a", "x");
  clock.advance(3s);
  CHECK(calls == 1);
  CHECK(s.counts().dead == 0);
  SECTION("until it is back") {
    moody_store::is_away = false;
    clock.advance(1s);
    CHECK(s.counts().dead == 1);
  }
  SECTION("and go back to the group at the end") {
    s.unsubscribe();
    clock.run_until_idle();
    CHECK(b.close().total().given_back == 1);
  }
  CHECK(clock.pending_timers() == 0);
}

TEST_CASE("without a store, or with dead_letters = off, what is given up is counted and dropped", "[dead]") {
  const bool off = GENERATE(true, false);
  virtual_bus v(off ? with_store() : config_for("memory"));
  subscribe_options o;
  if (off) o.dead_letters = dead_letter_policy::off;
  const auto s = v.b.subscribe(
      "a", [](const delivery&) { throw reject{"no"}; }, o);
  v.b.publish("a", "x");
  v.clock.run_until_idle();
  CHECK(s.counts().dead == 1);
  if (off) CHECK(v.call("boxes").as_array().empty());
}

TEST_CASE("what cannot be is refused with words", "[dead]") {
  virtual_bus none(config_for("memory")), v;
  CHECK(refusal([&] { none.call("boxes"); }).code() == error::unsupported);
  subscribe_options o;
  o.dead_letters = dead_letter_policy::keep;
  CHECK(refusal([&] {
          (void)none.b.subscribe(
              "a", [](const delivery&) {}, o);
        }).code() == error::unsupported);
  CHECK(refusal([&] { v.call("lists"); }).code() == error::no_such_method);
  CHECK(refusal([&] { v.call("list"); }).code() == error::bad_argument);
  CHECK(refusal([&] { v.call("purge", R"({"box":"a"})"); }).code() == error::bad_argument);
  CHECK(refusal([&] { v.call("purge", R"({"box":"a","entry":"e","all":true})"); }).code() ==
        error::bad_argument);
  CHECK(refusal([&] { v.call("show", R"({"box":"a","entry":"e"})"); }).code() == error::bad_argument);
  CHECK(refusal([&] { v.call("list", R"({"box":"a","topic":"a::b"})"); }).code() == error::bad_argument);
}

TEST_CASE("buses that share a store see each other's boxes", "[dead]") {
  testing::manual_clock clock;
  const auto shared = [&] {
    return config_for("memory")
        .set("store.plugin", "memory-store")
        .set("store.instance", "dead-shared")
        .clock(clock);
  };
  bus one(shared()), other(shared());
  const auto s = one.subscribe("a", [](const delivery&) { throw reject{"no"}; });
  one.publish("a", "x");
  clock.run_until_idle();
  CHECK(has(other.call("dead.boxes"), "\"box\":\"a\""));
}

#undef POSTBUS_PLUGIN_MANIFEST
#define POSTBUS_PLUGIN_MANIFEST                                                                                                 \
  R"({"version": "1.0.0", "abi": 1, "plugins": [)"                                                                              \
  R"({"id": "puppet", "provides": ["postbus.transport/1", "postbus.control/1"], "capabilities": ["credit", "ack", "pattern"],)" \
  R"( "methods": ["garble", "deliver", "gap", "ended"]},)"                                                                      \
  R"({"id": "moody-store", "provides": ["postbus.store/1"]}]})"
POSTBUS_PLUGINS(POSTBUS_PLUGIN("puppet", puppet), POSTBUS_PLUGIN("moody-store", moody_store))
