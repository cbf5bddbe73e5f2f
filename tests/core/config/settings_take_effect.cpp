// Every setting that `postbus config --explain` lists is set here, and its effect is seen. A setting that is added without an entry
// below fails the first test.
#include "refusal.hpp"
#include "support/admin_client.hpp"
#include "support/bus.hpp"
#include "support/standard_error.hpp"
#include "support/temporary_folder.hpp"

#include <postbus/inspect.hpp>
#include <postbus/testing/manual_clock.hpp>

#include <sys/resource.h>

#include <functional>
#include <map>
#include <set>

using namespace postbus;
using namespace postbus::tests;

namespace {

config memory() { return config_for("memory"); }
config hub() { return config_for("hub"); }

struct clocked {
  explicit clocked(config c) : b(c.clock(clock)) {}
  testing::manual_clock clock;
  bus b;
};

error_code publish(bus& b, std::string_view data, const publish_options& options = {}) {
  error_code ec;
  b.publish("a:b", data, options, ec);
  return ec;
}

publish_options with_type(std::string_view type) {
  publish_options o;
  o.content_type = type;
  return o;
}

publish_options delayed() {
  publish_options o;
  o.delay = 1h;
  return o;
}

// Of three events of a byte, how many are remembered.
int replayed(config c) {
  clocked t(std::move(c));
  for (int n = 0; n < 3; ++n) CHECK_FALSE(publish(t.b, "x"));
  int seen = 0;
  subscribe_options o;
  o.from = from_beginning();
  const auto s = t.b.subscribe(
      "a:b", [&](const delivery&) { ++seen; }, o);
  t.clock.run_until_idle();
  return seen;
}

// The thread that a handler runs on.
std::thread::id handler_thread(const config& c) {
  bus b(c);
  std::atomic<bool> ran{false};
  std::thread::id where;
  const auto s = b.subscribe("a:b", [&](const delivery&) {
    where = std::this_thread::get_id();
    ran = true;
  });
  b.publish("a:b", "");
  REQUIRE(eventually([&] { return ran.load(); }));
  return where;
}

double seconds(const timeval& t) {
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
}

// What the other threads of this process have used.
double cpu_of_others() {
  rusage all{}, mine{};
  ::getrusage(RUSAGE_SELF, &all);
  ::getrusage(RUSAGE_THREAD, &mine);
  return seconds(all.ru_utime) - seconds(mine.ru_utime);
}

double metric_of(bus& b, std::string_view name) {
  for (const metric& m : b.metrics())
    if (m.name == name)
      return m.type == metric::kind::histogram ? static_cast<double>(m.buckets.back().count) : m.value;
  return 0;
}

// The bytes that go over the wire for one event on a:b, as a plain subscriber of the hub's codec "raw" sees them.
std::string on_the_wire(config writer) {
  static int number = 0;
  const std::string path = "effect" + std::to_string(::getpid()) + "-" + std::to_string(++number);
  bus reader(hub().set("transport.path", path).set("transport.codec", "raw"));
  bus b(writer.set("transport.path", path));
  std::atomic<bool> came{false};
  std::string wire;
  const auto s = reader.subscribe("a:b", [&](const delivery& d) {
    wire = d.text();
    came = true;
  });
  b.publish("a:b", "x");
  REQUIRE(eventually([&] { return came.load(); }));
  return wire;
}

config refused_plugin_pin(config c, const std::string& table) {
  return c.set(table + ".sha256", std::string(64, '0'));
}
bool is_refused_for_its_digest(const config& c) {
  const error e = refusal([&] { bus b(c); });
  return e.code() == error::bad_plugin && has(e.found(), "whose SHA-256 is");
}

config with_admin(const temporary_folder& folder) {
  return memory().admin("unix:" + (folder / "a").string());
}

config two() { return memory().transport("far", "memory").route({"far:**"}, "far"); }

// Of three publishes of five bytes, the first taken on and the second queued, the third's.
error_code third_publish(config c) {
  clocked t(std::move(c));
  subscribe_options one_at_a_time;
  one_at_a_time.prefetch = 1;
  const auto s = t.b.subscribe(
      "a:b", [](const delivery&) {}, one_at_a_time);
  publish_options at_once;
  at_once.deadline = 0s;
  CHECK_FALSE(publish(t.b, "12345", at_once));
  CHECK_FALSE(publish(t.b, "12345", at_once));
  return publish(t.b, "12345", at_once);
}

// Which transport carries a:b, with one route more.
std::string carrier(const config& c) {
  clocked t(c);
  std::string heard;
  subscribe_options on_far;
  on_far.transport = "far";
  const auto s = t.b.subscribe(
      "**", [&](const delivery&) { heard = "far"; }, on_far);
  t.b.publish("a:b", "");
  t.clock.run_until_idle();
  return heard.empty() ? "default" : heard;
}

config with_feature() { return memory().feature("size-limit"); }

const std::map<std::string, std::function<void()>>& effects() {
  static const std::map<std::string, std::function<void()>> all{
      {"bus.name",
       [] {
         clocked t(memory().name("fleet"));
         std::string source;
         const auto s = t.b.subscribe("a:b", [&](const delivery& d) { source = d.source(); });
         t.b.publish("a:b", "");
         t.clock.run_until_idle();
         CHECK(source == "fleet");
       }},
      {"bus.threads",
       [] {
         CHECK(refusal([] { bus b(memory().threads(0)); }).found() == "bus.threads = 0 and no executor");
       }},
      {"bus.features",
       [] {
         CHECK(publish(*std::make_unique<bus>(with_feature().set("plugin.size-limit.max", "1B")),
                       "too long") == error::refused);
       }},
      {"bus.plugin_path",
       [] {
         CHECK(refusal([] {
                 bus b(
                     config().transport("hub").set("bus.plugin_path", "[\"/nowhere\"]").transport("no-such"));
               })
                   .found()
                   .find("/nowhere") != std::string::npos);
       }},
      {"bus.wait",
       [] {
         bus b(memory().set("bus.wait", "spin"));
         const double before = cpu_of_others();
         CHECK(eventually([&] { return cpu_of_others() - before > 0.02; }));
       }},
      {"bus.sample_every",
       [] {
         for (const auto& [every, timed] : {std::pair{"0", 0.0}, {"1", 3.0}}) {
           clocked t(memory().set("bus.sample_every", every));
           const auto s = t.b.subscribe("a:b", [](const delivery&) {});
           for (int i = 0; i < 3; ++i) t.b.publish("a:b", "");
           t.clock.run_until_idle();
           CHECK(metric_of(t.b, "postbus_handler_seconds") == timed);
         }
       }},
      {"bus.delayed_max",
       [] {
         clocked t(memory().set("bus.delayed_max", "0"));
         CHECK(publish(t.b, "x", delayed()) == error::full);
       }},
      {"bus.delayed_bytes_max",
       [] {
         clocked t(memory().set("bus.delayed_bytes_max", "2"));
         CHECK_FALSE(publish(t.b, "12", delayed()));
         CHECK(publish(t.b, "3", delayed()) == error::full);
       }},
      {"transport.history_max", [] { CHECK(replayed(memory().set("transport.history_max", "2")) == 2); }},
      {"transport.history_bytes_max",
       [] {
         CHECK(replayed(memory().set("transport.history_max", "9").set("transport.history_bytes_max", "1")) ==
               1);
       }},
      {"bus.admin",
       [] {
         const temporary_folder folder;
         bus b(with_admin(folder).name("fleet"));
         admin_client c((folder / "a").string());
         CHECK(c.greeting.at("postbus").at("bus") == "fleet");
       }},
      {"bus.admin_clients_max",
       [] {
         const temporary_folder folder;
         bus b(with_admin(folder).set("bus.admin_clients_max", "1"));
         admin_client first((folder / "a").string());
         admin_client second((folder / "a").string(), false);
         CHECK(second.next().at("error").at("code") == "full");
       }},
      {"bus.admin_line_max",
       [] {
         const temporary_folder folder;
         bus b(with_admin(folder).set("bus.admin_line_max", "1KiB"));
         admin_client c((folder / "a").string());
         c.send("\"" + std::string(2000, 'x') + "\"\n");
         CHECK(c.next().at("error").at("code") == "too_large");
       }},
      {"bus.admin_queue_max",
       [] {
         const temporary_folder folder;
         bus b(with_admin(folder).set("bus.admin_queue_max", "1KiB"));
         admin_client c((folder / "a").string());
         c.result("tail");
         // What the client does not read fills the socket's own buffers first.
         CHECK(eventually([&] {
           b.publish("a:b", std::string(50'000, 'x'));
           return metric_of(b, "postbus_admin_discarded_events_total") > 0;
         }));
       }},
      {"bus.admin_timeout",
       [] {
         const temporary_folder folder;
         bus b(with_admin(folder).set("bus.admin_timeout", "20ms"));
         admin_client c((folder / "a").string());
         c.send("{\"method\":");
         CHECK(c.next().at("error").at("code") == "timed_out");
       }},
      {"log.level",
       [] {
         int lines = 0;
         config c = config_for("memory").log_to([&](const log_line&) { ++lines; });
         for (const auto& [level, expected] : {std::pair{"error", 1}, {"off", 0}}) {
           lines = 0;
           clocked t(config(c).set("log.level", level));
           const auto s = t.b.subscribe("a:b", [](const delivery&) { throw reject("no"); });
           t.b.publish("a:b", "");
           t.clock.run_until_idle();
           CHECK(lines == expected);
         }
       }},
      {"log.modules",
       [] {
         int lines = 0;
         clocked t(
             memory().set("log.modules", "{bus = \"error\"}").log_to([&](const log_line&) { ++lines; }));
         const auto s = t.b.subscribe("a:b", [](const delivery&) { throw reject("no"); });
         t.b.publish("a:b", "");
         t.clock.run_until_idle();
         CHECK(lines == 1);  // all other modules are off here
       }},
      {"log.format",
       [] {
         const auto said = [](const char* format) {
           return standard_error_of([&] {
             clocked t(memory().set("log.level", "error").set("log.format", format));
             const auto s = t.b.subscribe("a:b", [](const delivery&) { throw reject("no"); });
             t.b.publish("a:b", "");
             t.clock.run_until_idle();
           });
         };
         CHECK(said("json").starts_with("{\"time\":"));
         CHECK(said("text").starts_with("20"));
       }},
      {"transport.plugin",
       [] {
         CHECK(refusal([] {
                 testing::manual_clock c;
                 bus b(hub().clock(c));
               })
                   .found()
                   .find("'hub'") != std::string::npos);
       }},
      {"transport.wrappers",
       [] {
         CHECK(has(refusal([] { bus b(memory().set("transport.wrappers", "[\"memory-store\"]")); }).found(),
                   "as a wrapper of a"));
       }},
      {"transport.dispatch",
       [] {
         CHECK(handler_thread(memory().set("transport.dispatch", "inline")) == std::this_thread::get_id());
         CHECK(handler_thread(memory()) != std::this_thread::get_id());
       }},
      {"transport.required",
       [] {
         CHECK(refusal([] { bus b(memory().set("transport.required", "false")); }).code() ==
               error::unsupported);
       }},
      {"transport.data_max",
       [] {
         clocked t(memory().set("transport.data_max", "3B"));
         CHECK_FALSE(publish(t.b, "123"));
         CHECK(publish(t.b, "1234") == error::too_large);
       }},
      {"transport.like",
       [] {
         clocked t(memory().set("transport.like", "hub"));  // which takes 1 MiB
         CHECK(publish(t.b, std::string((1 << 20) + 1, 'x')) == error::too_large);
       }},
      {"transport.codec",
       [] {
         CHECK(on_the_wire(hub().set("transport.codec", "raw")) == "x");
         CHECK(has(on_the_wire(hub().set("transport.codec", "cloudevents+json")), R"("specversion":"1.0")"));
         CHECK(static_cast<unsigned char>(on_the_wire(hub())[0]) >> 4 == 8);  // a map of msgpack
       }},
      {"transport.content_type",
       [] {
         clocked t(memory().set("transport.codec", "raw").set("transport.content_type", "application/json"));
         CHECK_FALSE(publish(t.b, "1", with_type("application/json")));
         CHECK(publish(t.b, "1", with_type("text/plain")) == error::unsupported);
       }},
      {"transport.on_unavailable",
       [] {
         // Who waits holds no handler.
         CHECK(refusal([] {
                 bus b(
                     memory().set("transport.on_unavailable", "buffer").set("transport.dispatch", "inline"));
               }).code() == error::unsupported);
       }},
      {"transport.sha256",
       [] { CHECK(is_refused_for_its_digest(refused_plugin_pin(memory(), "transport"))); }},
      {"transport.instance",
       [] {
         testing::manual_clock clock;
         bus one(memory().set("transport.instance", "shared").clock(clock)),
             other(memory().set("transport.instance", "shared").clock(clock));
         int heard = 0;
         const auto s = other.subscribe("a:b", [&](const delivery&) { ++heard; });
         one.publish("a:b", "");
         clock.run_until_idle();
         CHECK(heard == 1);
       }},
      {"transport.queue_max",
       [] { CHECK(third_publish(memory().set("transport.queue_max", "1")) == error::full); }},
      {"transport.queue_bytes_max",
       [] { CHECK(third_publish(memory().set("transport.queue_bytes_max", "4B")) == error::full); }},
      {"transports.NAME.plugin",
       [] {
         CHECK(refusal([] {
                 testing::manual_clock c;
                 bus b(memory().transport("far", "hub").clock(c));
               })
                   .found()
                   .find("'hub'") != std::string::npos);
       }},
      {"transports.NAME.wrappers",
       [] {
         CHECK(has(refusal([] { bus b(two().set("transports.far.wrappers", "[\"memory-store\"]")); }).found(),
                   "as a wrapper of a"));
       }},
      {"transports.NAME.dispatch",
       [] {
         bus b(two().set("transports.far.dispatch", "inline"));
         std::thread::id where;
         const auto s = b.subscribe("far:*", [&](const delivery&) { where = std::this_thread::get_id(); });
         b.publish("far:a", "");
         CHECK(where == std::this_thread::get_id());
       }},
      {"transports.NAME.required",
       [] {
         CHECK(refusal([] { bus b(two().set("transports.far.required", "false")); }).code() ==
               error::unsupported);
       }},
      {"transports.NAME.data_max",
       [] {
         clocked t(two().set("transports.far.data_max", "3B"));
         CHECK(refusal([&] { t.b.publish("far:a", "1234"); }).code() == error::too_large);
         CHECK_NOTHROW(t.b.publish("near:a", "1234"));
       }},
      {"transports.NAME.like",
       [] {
         clocked t(two().set("transports.far.like", "hub"));
         CHECK(refusal([&] { t.b.publish("far:a", std::string((1 << 20) + 1, 'x')); }).code() ==
               error::too_large);
       }},
      {"transports.NAME.codec",
       [] {
         clocked t(two().set("transports.far.codec", "raw"));
         CHECK(refusal([&] { t.b.publish("far:a", "1", with_type("text/plain")); }).code() ==
               error::unsupported);
         CHECK_NOTHROW(t.b.publish("near:a", "1", with_type("text/plain")));
       }},
      {"transports.NAME.content_type",
       [] {
         clocked t(two().set("transports.far.codec", "raw").set("transports.far.content_type", "text/plain"));
         CHECK_NOTHROW(t.b.publish("far:a", "1", with_type("text/plain")));
       }},
      {"transports.NAME.on_unavailable",
       [] {
         // Who waits holds no handler.
         CHECK(refusal([] {
                 bus b(two()
                           .set("transports.far.on_unavailable", "buffer")
                           .set("transports.far.dispatch", "inline"));
               }).code() == error::unsupported);
       }},
      {"transports.NAME.sha256",
       [] { CHECK(is_refused_for_its_digest(refused_plugin_pin(two(), "transports.far"))); }},
      {"route[].topics",
       [] {
         CHECK(carrier(two()) == "default");
         CHECK(carrier(two().route({"a:*"}, "far")) == "far");
       }},
      {"route[].transport", [] { CHECK(carrier(two().route({"a:*"}, "default")) == "default"); }},
      {"store.plugin",
       [] {
         CHECK(has(refusal([] { bus b(memory().set("store.plugin", "nobodys-store")); }).found(),
                   "no plugin 'nobodys-store'"));
       }},
      {"store.wrappers",
       [] {
         CHECK(has(refusal([] { bus b(memory().set("store.wrappers", "[\"memory-store\"]")); }).found(),
                   "as a wrapper of a"));
       }},
      {"store.sha256",
       [] {
         CHECK(refusal([] { bus b(memory().set("store.sha256", std::string(64, '0'))); }).code() ==
               error::bad_config);
       }},
      {"plugin.NAME.topics",
       [] {
         clocked t(with_feature()
                       .set("plugin.size-limit.max", "1B")
                       .set("plugin.size-limit.topics", "[\"elsewhere\"]"));
         CHECK_FALSE(publish(t.b, "long enough"));
       }},
      {"plugin.NAME.key",
       [] {
         std::string key;
         clocked t(memory()
                       .intercept(
                           "watch", [&](interception& i) { key = i.key(); }, stages::publish)
                       .set("plugin.watch.topics", "[\"a:{what}\"]")
                       .set("plugin.watch.key", "param:what"));
         publish(t.b, "");
         CHECK(key == "b");
       }},
      {"plugin.NAME.listens",
       [] {
         CHECK(refusal([] {
                 bus b(with_feature().set("plugin.size-limit.listens", R"({"a" = "no-method"})"));
               }).code() == error::bad_config);
       }},
      {"plugin.NAME.on_error",
       [] {
         clocked t(
             memory().intercept("ill", [](interception&) { throw 1; }).set("plugin.ill.on_error", "pass"));
         CHECK_FALSE(publish(t.b, ""));
       }},
      {"plugin.NAME.sha256",
       [] { CHECK(is_refused_for_its_digest(refused_plugin_pin(with_feature(), "plugin.size-limit"))); }},
  };
  return all;
}

}  // namespace

TEST_CASE("every setting that is explained has an effect that is tested, and no other", "[settings]") {
  std::set<std::string> explained, tested;
  for (const settings_table& table : explain_settings(memory()))
    for (const setting_info& setting : table.settings)
      if (setting.path != "bus.plugin_path[0]") explained.insert(setting.path);
  for (const auto& [name, effect] : effects()) tested.insert(name);
  CHECK(explained == tested);
}

TEST_CASE("each setting takes effect", "[settings]") {
  for (const auto& [name, effect] : effects()) {
    DYNAMIC_SECTION(name) { effect(); }
  }
}
