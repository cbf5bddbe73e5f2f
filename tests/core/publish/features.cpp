// Features in the pipeline: what each verdict does to an event, in which order they are asked, and what becomes of it when one fails.
#define POSTBUS_MODULE test_features_module
#define POSTBUS_PLUGIN_MANIFEST                                                                                                          \
  R"({"version": "1.0.0", "abi": 1, "plugins": [)"                                                                                       \
  R"({"id": "trace", "provides": ["postbus.interceptor/1"]},)"                                                                           \
  R"({"id": "judge", "provides": ["postbus.interceptor/1", "postbus.control/1"], "reasons": ["too_loud"], "methods": ["say", "fail"]},)" \
  R"({"id": "refuses-to-start", "provides": ["postbus.interceptor/1"]},)"                                                                \
  R"({"id": "refuses-settings", "provides": ["postbus.interceptor/1"]},)"                                                                \
  R"({"id": "real-time", "provides": ["postbus.interceptor/1"]},)"                                                                       \
  R"({"id": "later-stage", "provides": ["postbus.interceptor/1"]}]})"
#include "support/bus.hpp"
#include "support/catch.hpp"

#include <postbus/testing/manual_clock.hpp>

#include <postbus/sdk/plugin.hpp>

using namespace postbus;
using namespace postbus::tests;

namespace {

std::string asked;  // "<feature><direction>:<data> "; the tests run on one thread

class trace {
 public:
  explicit trace(sdk::context&) {}
  sdk::verdict on_publish(sdk::item& i) { return note("t>", i); }
  sdk::verdict on_deliver(sdk::item& i) { return note("t<", i); }

 private:
  sdk::verdict note(const char* what, sdk::item& i) {
    asked += what + std::string(i.data()) + (i.key().empty() ? "" : "/" + std::string(i.key())) + " ";
    return sdk::verdict::pass;
  }
};

// Does what the header "publish" or "deliver" of the event says.
class judge {
 public:
  explicit judge(sdk::context& ctx) : ctx_(ctx) {}
  sdk::verdict on_publish(sdk::item& i) {
    asked += "j>" + std::string(i.data()) + " ";
    return answer(i, "publish");
  }
  sdk::verdict on_deliver(sdk::item& i) {
    asked += "j<" + std::string(i.data()) + " ";
    return answer(i, "deliver");
  }
  void call(std::string_view method, std::string_view json, sdk::completion<std::string_view>&& done) {
    if (method == "fail") throw sdk::failure(POSTBUS_E_UNAVAILABLE, "not today");
    done.ok("{\"heard\":" + std::string(json) + "}");
  }

 private:
  sdk::verdict answer(sdk::item& i, std::string_view direction) {
    const std::string_view what = sdk::header(i.event(), direction).value_or("pass");
    if (what == "drop") return sdk::verdict::drop;
    if (what == "reject") return i.reject(0);
    if (what == "throw") throw std::runtime_error("the judge is ill");
    if (what == "hold") return sdk::verdict::hold;
    if (what == "replace") {
      postbus_event other = i.event();
      other.data = sdk::bytes("other");
      return i.replace(ctx_.make(other));
    }
    if (what == "reroute") {
      postbus_event other = i.event();
      other.topic = sdk::str("elsewhere");
      return i.replace(ctx_.make(other));
    }
    return sdk::verdict::pass;
  }
  sdk::context& ctx_;
};

struct silent {
  explicit silent(sdk::context&) {}
  sdk::verdict on_publish(sdk::item&) { return sdk::verdict::pass; }
};
struct refuses_to_start : silent {
  using silent::silent;
  void start(sdk::completion<>&& done) { done.fail(POSTBUS_E_UNAVAILABLE, "the sun is down"); }
};
struct refuses_settings : silent {
  explicit refuses_settings(sdk::context& ctx) : silent(ctx) {
    throw sdk::failure(POSTBUS_E_INVALID, "no moon in these settings");
  }
};
struct real_time : silent {
  using silent::silent;
  static constexpr std::uint32_t flags = 0;
};
struct later_stage {
  explicit later_stage(sdk::context&) {}
  static constexpr postbus_interceptor table{sizeof(postbus_interceptor), POSTBUS_AT_SETTLED, 0, 0,
                                             [](void*, std::uint32_t, postbus_item*, std::size_t) {}};
};

// later_stage needs a table that the C++ face does not make.
constexpr postbus_plugin later_stage_plugin{
    sizeof(postbus_plugin),
    POSTBUS_CAN_VIRTUAL_TIME,
    [](void*, postbus_done done) { sdk::answer(done, POSTBUS_OK); },
    [](void*, postbus_done done) { sdk::answer(done, POSTBUS_OK); },
    [](void*) {},
    [](void*, const char* id) -> const void* {
      return std::string_view(id) == "postbus.interceptor/1" ? &later_stage::table : nullptr;
    }};
constexpr postbus_plugin_desc later_stage_desc{
    sizeof(postbus_plugin_desc), 0, "later-stage",
    [](const postbus_host*, postbus_str, const postbus_plugin** table, void** self,
       postbus_error*) -> std::int32_t {
      static int something;
      *table = &later_stage_plugin;
      *self = &something;
      return POSTBUS_OK;
    }};

struct bus_with_features {
  testing::manual_clock clock;
  bus b;
  std::string got;
  subscription s;

  explicit bus_with_features(config c) : b(c.module(test_features_module).clock(clock)) {
    asked.clear();
    s = b.subscribe("**", [this](const delivery& d) {
      got += std::string(d.topic()) + "=" + std::string(d.text()) + " ";
    });
  }
  error_code publish(std::string_view topic, std::string_view data, std::string_view direction = {},
                     std::string_view verdict = {}) {
    const header headers[] = {{direction, verdict}};
    publish_options options;
    if (!direction.empty()) options.headers = headers;
    error_code ec;
    b.publish(topic, data, options, ec);
    clock.run_until_idle();
    return ec;
  }
};

config both() { return config_for("memory").feature("trace").feature("judge"); }

}  // namespace

POSTBUS_PLUGINS(POSTBUS_PLUGIN("trace", trace), POSTBUS_PLUGIN("judge", judge),
                POSTBUS_PLUGIN("refuses-to-start", refuses_to_start),
                POSTBUS_PLUGIN("refuses-settings", refuses_settings), POSTBUS_PLUGIN("real-time", real_time),
                later_stage_desc)

TEST_CASE("features are asked in order at publish and in reverse at delivery", "[features]") {
  bus_with_features f(both());
  CHECK_FALSE(f.publish("a", "1"));
  CHECK(asked == "t>1 j>1 j<1 t<1 ");
  CHECK(f.got == "a=1 ");
}

TEST_CASE("a dropped publish says ok and goes nowhere", "[features]") {
  bus_with_features f(both());
  CHECK_FALSE(f.publish("a", "1", "publish", "drop"));
  CHECK(f.got.empty());
  CHECK(asked == "t>1 j>1 ");
}

TEST_CASE("a rejected publish is refused, with the feature and its reason", "[features]") {
  bus_with_features f(both());
  CHECK(f.publish("a", "1", "publish", "reject") == error::refused);
  CHECK(f.got.empty());
  const header headers[] = {{"publish", "reject"}};
  publish_options options;
  options.headers = headers;
  try {
    f.b.publish("a", "1", options);
    FAIL("not refused");
  } catch (const error& e) {
    CHECK(e.found().find("judge: too_loud") != std::string::npos);
  }
}

TEST_CASE("a dropped delivery is acked and starts no handler", "[features]") {
  bus_with_features f(both());
  f.publish("a", "1", "deliver", "drop");
  CHECK(f.got.empty());
  CHECK(f.s.counts().dropped == 1);
  CHECK(f.s.counts().started == 0);
}

TEST_CASE("a rejected delivery is given up without a handler", "[features]") {
  bus_with_features f(both());
  f.publish("a", "1", "deliver", "reject");
  CHECK(f.got.empty());
  CHECK(f.s.counts().dead == 1);
}

TEST_CASE("a replaced event is what the features behind and the handler see", "[features]") {
  bus_with_features publish(config_for("memory").feature("judge").feature("trace"));
  publish.publish("a", "1", "publish", "replace");
  CHECK(asked == "j>1 t>other t<other j<other ");
  CHECK(publish.got == "a=other ");

  bus_with_features deliver(both());
  deliver.publish("a", "1", "deliver", "replace");
  CHECK(asked == "t>1 j>1 j<1 t<other ");
  CHECK(deliver.got == "a=other ");
}

TEST_CASE("a replacement with another topic goes there", "[features]") {
  bus_with_features f(both().set("plugin.trace.topics", "[\"elsewhere\"]"));
  f.publish("a", "1", "publish", "reroute");
  CHECK(f.got == "elsewhere=1 ");
}

TEST_CASE("a feature is asked only about the topics of its scope", "[features]") {
  bus_with_features f(config_for("memory")
                          .feature("trace")
                          .set("plugin.trace.topics", "[\"jobs:{user}:**\"]")
                          .set("plugin.trace.key", "param:user"));
  f.publish("a", "1");
  f.publish("jobs:42:build", "2");
  CHECK(asked == "t>2/42 t<2/42 ");
}

TEST_CASE("a key may be a template, a header or the id", "[features]") {
  const auto key = [](const char* expression) {
    bus_with_features f(config_for("memory")
                            .feature("trace")
                            .set("plugin.trace.topics", "[\"a:{x}:{y}\"]")
                            .set("plugin.trace.key", expression));
    publish_options options;
    options.id = "no-7";
    const header headers[] = {{"colour", "blue"}};
    options.headers = headers;
    f.b.publish("a:1:2", "d", options);
    return asked;
  };
  CHECK(key("\"u-{x}-{y}\"") == "t>d/u-1-2 ");
  CHECK(key("header:colour") == "t>d/blue ");
  CHECK(key("id") == "t>d/no-7 ");
  CHECK(key("hash") == "t>d/18ac3e7343f016890c510e93f9352611 ");
}

TEST_CASE("a feature that fails at publish refuses it, by default", "[features]") {
  bus_with_features f(both());
  CHECK(f.publish("a", "1", "publish", "throw") == error::refused);
  CHECK(f.got.empty());
}

TEST_CASE("a feature that fails at delivery makes it a retry, by default", "[features]") {
  bus_with_features f(both());
  f.publish("a", "1", "deliver", "throw");
  CHECK(f.s.counts().retried == 1);
  f.clock.advance(1h);
  CHECK(f.got.empty());
}

TEST_CASE("on_error = pass lets events by a feature that fails", "[features]") {
  bus_with_features f(both().set("plugin.judge.on_error", "pass"));
  CHECK_FALSE(f.publish("a", "1", "publish", "throw"));
  f.publish("a", "2", "deliver", "throw");
  CHECK(f.got == "a=1 a=2 ");
}

TEST_CASE("a verdict that the manifest did not declare is a failure", "[features]") {
  bus_with_features f(both());
  CHECK(f.publish("a", "1", "publish", "hold") == error::refused);
}

TEST_CASE("a batch passes the features like single events", "[features]") {
  bus_with_features f(both());
  const header reject[] = {{"publish", "reject"}}, drop[] = {{"publish", "drop"}},
               replace[] = {{"publish", "replace"}};
  std::vector<message> messages{{"a", "1"}, {"a", "2"}, {"a", "3"}, {"a", "4"}, {"a", "5"}};
  messages[1].options.headers = reject;
  messages[2].options.headers = drop;
  messages[3].options.headers = replace;
  const auto results = f.b.publish(messages);
  f.clock.run_until_idle();
  CHECK(results[1].ec == error::refused);
  for (const int ok : {0, 2, 3, 4}) CHECK_FALSE(results[static_cast<std::size_t>(ok)].ec);
  CHECK(f.got == "a=1 a=other a=5 ");
}

TEST_CASE("features are asked about inline deliveries too", "[features]") {
  testing::manual_clock clock;
  asked.clear();
  bus b(both().set("transport.dispatch", "inline").module(test_features_module).clock(clock));
  std::string got;
  const auto s = b.subscribe("a", [&](const delivery& d) { got += d.text(); });
  b.publish("a", "1");
  CHECK(asked == "t>1 j>1 j<1 t<1 ");
  CHECK(got == "1");
}

TEST_CASE("a method of a plugin is called by its name, and its errors come back", "[features]") {
  bus_with_features f(both());
  CHECK(f.b.call("judge.say", "{\"a\":1}") == "{\"heard\":{\"a\":1}}");
  const auto refuses = [&](const char* method, error::errc code, const char* part) {
    try {
      f.b.call(method);
      FAIL("not refused");
    } catch (const error& e) {
      CHECK(e.code() == code);
      CHECK(std::string(e.what()).find(part) != std::string::npos);
    }
  };
  refuses("judge.fail", error::unavailable, "not today");
  refuses("judge.shout", error::no_such_method, "say");
  refuses("nobody.say", error::no_such_method, "nobody.say");
  refuses("trace.say", error::no_such_method, "trace");
}

TEST_CASE("a plugin that refuses its settings or its start refuses the bus, in its own words", "[features]") {
  const auto refuses = [](config c, error::errc code, const char* part) {
    try {
      const bus b(c.module(test_features_module));
      FAIL("not refused");
    } catch (const error& e) {
      CHECK(e.code() == code);
      CHECK(std::string(e.what()).find(part) != std::string::npos);
    }
  };
  refuses(both().feature("refuses-settings"), error::bad_config, "no moon in these settings");
  refuses(both().feature("refuses-to-start"), error::unavailable, "the sun is down");
  refuses(both().feature("later-stage"), error::bad_plugin, "has stages 8");
}

TEST_CASE("a plugin with clocks of its own is refused under a manual clock", "[features]") {
  testing::manual_clock clock;
  CHECK_THROWS_AS(bus(config_for("memory").feature("real-time").module(test_features_module).clock(clock)),
                  error);
  const bus in_real_time(config_for("memory").feature("real-time").module(test_features_module));
}
