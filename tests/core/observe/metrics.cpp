// Metrics: names and numbers of plugins, the bus's own, sampled histograms, and the text for Prometheus.
#define POSTBUS_MODULE test_metrics_module
#include "observe/metrics.hpp"

#include "event/codec.hpp"
#include "event/event_record.hpp"
#include "puppet.hpp"
#include "refusal.hpp"

#include <cmath>
#include <cstdlib>
#include <fstream>

using namespace postbus;
using namespace postbus::tests;

PUPPETS

namespace {

std::string text_of(const std::vector<metric>& all, std::string_view name) {
  std::vector<metric> some;
  for (const metric& m : all)
    if (m.name == name) some.push_back(m);
  const std::string text = prometheus_text(some);
  const std::size_t type = text.find("\n# TYPE");
  return type == std::string::npos ? "" : text.substr(text.find('\n', type + 1) + 1);
}

// How many values of a histogram are at most `seconds`, and its sum.
std::pair<std::uint64_t, double> at_most(const std::vector<metric>& all, std::string_view name,
                                         double seconds) {
  for (const metric& m : all)
    if (m.name == name)
      for (const metric::bucket& b : m.buckets)
        if (std::abs(b.upper_bound - seconds) < seconds / 1000) return {b.count, m.value};
  return {};
}

struct bus_with_metrics {
  testing::manual_clock clock;
  bus b;
  explicit bus_with_metrics(config c = config_for("memory"), const char* sample_every = "1")
      : b(c.module(test_metrics_module).set("bus.sample_every", sample_every).clock(clock)) {}
};

}  // namespace

TEST_CASE("a plugin's metric is shown with its plugin, its unit and the end that its kind has", "[metrics]") {
  detail::metric_registry r;
  const auto name = [&](std::int32_t kind, std::string_view given) {
    const auto d = r.define("size-limit", "", kind, given, "");
    return d.number == 0 ? d.refusal : r.read().back().name;
  };
  CHECK(name(POSTBUS_COUNTER, "events") == "postbus_size_limit_events_total");
  CHECK(name(POSTBUS_COUNTER, "drops_total") == "postbus_size_limit_drops_total");
  CHECK(name(POSTBUS_COUNTER, "busy_ns") == "postbus_size_limit_busy_seconds_total");
  CHECK(name(POSTBUS_GAUGE, "queued_bytes") == "postbus_size_limit_queued_bytes");
  CHECK(name(POSTBUS_GAUGE, "postbus_size_limit_open") == "postbus_size_limit_open");
  CHECK(name(POSTBUS_HISTOGRAM, "wait_ns") == "postbus_size_limit_wait_seconds");
  CHECK(has(name(POSTBUS_COUNTER, "events_total"),
            "there is one with the name postbus_size_limit_events_total"));
  CHECK(has(name(POSTBUS_GAUGE, "Big"), "'Big' is not defined: a name is a letter"));
  CHECK(has(name(POSTBUS_GAUGE, ""), "'' is not defined"));
  CHECK(has(name(POSTBUS_GAUGE, "x_total"), "only the name of a counter ends in _total"));
  CHECK(has(name(7, "x"), "its kind is 7"));
  CHECK(has(r.define("published", "", POSTBUS_COUNTER, "postbus_published_total", "").refusal, ""));
}

TEST_CASE("two instances of a plugin have one name and two labels", "[metrics]") {
  detail::metric_registry r;
  const auto one = r.define("memory", "", POSTBUS_GAUGE, "queued_events", "Queued.");
  const auto two = r.define("memory", "control", POSTBUS_GAUGE, "queued_events", "Queued.");
  CHECK(r.define("memory", "control", POSTBUS_GAUGE, "queued_events", "Queued.").number == 0);
  r.add(one.number, 3);
  r.add(two.number, 4);
  CHECK(text_of(r.read(), "postbus_memory_queued_events") ==
        "postbus_memory_queued_events 3\npostbus_memory_queued_events{transport=\"control\"} 4\n");
}

TEST_CASE("counters only go up, gauges both ways, and nanoseconds are shown as seconds", "[metrics]") {
  detail::metric_registry r;
  const auto up = r.define("p", "", POSTBUS_COUNTER, "c", "").number,
             both = r.define("p", "", POSTBUS_GAUGE, "g", "").number,
             time = r.define("p", "", POSTBUS_COUNTER, "t_ns", "").number;
  for (const std::int64_t n : {5, -3}) r.add(up, n), r.add(both, n);
  r.add(time, 1'500'000'000);
  r.add(0, 1);
  r.add(999, 1);
  r.add(4'000'000, 1);
  const auto all = r.read();
  CHECK(all[0].value == 5);
  CHECK(all[1].value == 2);
  CHECK(all[2].value == 1.5);
}

TEST_CASE("a plugin's histogram has bounds for times or for counts", "[metrics]") {
  detail::metric_registry r;
  const auto time = r.define("p", "", POSTBUS_HISTOGRAM, "t_ns", "").number,
             size = r.define("p", "", POSTBUS_HISTOGRAM, "s_bytes", "").number;
  for (const std::int64_t ns : {1'000L, 1'001L, 50'000'000'000L, 50'000'000'001L}) r.add(time, ns);
  for (const std::int64_t n : {0, 1, 2, 60'000'000}) r.add(size, n);
  const auto all = r.read();
  REQUIRE(all[0].buckets.size() == 25);
  CHECK(all[0].buckets[0].upper_bound == Approx(1e-6));
  CHECK(all[0].buckets[0].count == 1);
  CHECK(all[0].buckets[1].upper_bound == Approx(2e-6));
  CHECK(all[0].buckets[1].count == 2);
  CHECK(all[0].buckets[2].upper_bound == Approx(5e-6));
  CHECK(all[0].buckets[23].upper_bound == Approx(50));
  CHECK(all[0].buckets[23].count == 3);
  CHECK(all[0].buckets[24].count == 4);
  CHECK(all[0].value == Approx(100.000002002));
  CHECK(all[1].buckets[0].upper_bound == 1);
  CHECK(all[1].buckets[0].count == 2);
  CHECK(all[1].buckets[23].upper_bound == 5e7);
  CHECK(all[1].buckets[24].count == 4);
}

TEST_CASE("the text for Prometheus has one HELP and TYPE for a name, and escapes what it must", "[metrics]") {
  metric a, b, h;
  a.name = b.name = "postbus_a_total";
  a.help = "One \\ two\nthree \"four\".";
  a.labels = {{"subscription", "a:\"b\"\\\n"}, {"group", ""}};
  a.value = 1e15;
  b.value = 0.5;
  h.name = "postbus_h_seconds";
  h.help = "H.";
  h.type = metric::kind::histogram;
  h.labels = {{"x", "y"}};
  h.value = 0.25;
  h.buckets = {{1e-6, 1}, {INFINITY, 3}};
  CHECK(prometheus_text(std::vector{a, h, b}) ==
        "# HELP postbus_a_total One \\\\ two\\nthree \"four\".\n"
        "# TYPE postbus_a_total counter\n"
        "postbus_a_total{subscription=\"a:\\\"b\\\"\\\\\\n\",group=\"\"} 1000000000000000\n"
        "postbus_a_total 0.5\n"
        "# HELP postbus_h_seconds H.\n"
        "# TYPE postbus_h_seconds histogram\n"
        "postbus_h_seconds_bucket{x=\"y\",le=\"1e-06\"} 1\n"
        "postbus_h_seconds_bucket{x=\"y\",le=\"+Inf\"} 3\n"
        "postbus_h_seconds_sum{x=\"y\"} 0.25\n"
        "postbus_h_seconds_count{x=\"y\"} 3\n");
  CHECK(prometheus_text({}).empty());
}

TEST_CASE("the bus counts what it published, what it refused, and what became of deliveries", "[metrics]") {
  bus_with_metrics t;
  subscribe_options options;
  options.max_deliveries = 2;
  const auto s = t.b.subscribe(
      "a:*",
      [](const delivery& d) {
        if (d.topic() == "a:reject") throw reject{"never"};
        if (d.topic() == "a:retry") throw retry{1s};
      },
      options);
  error_code ec;
  for (const char* topic : {"a:1", "a:2", "a:reject", "a:retry", "b", "not a topic", "postbus:x"})
    t.b.publish(topic, "x", {}, ec);
  t.clock.run_until_idle();
  const auto all = t.b.metrics();
  CHECK(text_of(all, "postbus_published_total") == "postbus_published_total 5\n");
  CHECK(text_of(all, "postbus_publish_refused_total") ==
        "postbus_publish_refused_total{error=\"bad_argument\"} 2\n");
  const std::string of = "{subscription=\"a:*\",group=\"\"";
  CHECK(text_of(all, "postbus_deliveries_total") ==
        "postbus_deliveries_total" + of + ",outcome=\"acked\"} 2\npostbus_deliveries_total" + of +
            ",outcome=\"dropped\"} 0\npostbus_deliveries_total" + of +
            ",outcome=\"expired\"} 0\npostbus_deliveries_total" + of +
            ",outcome=\"discarded\"} 0\npostbus_deliveries_total" + of +
            ",outcome=\"dead\"} 1\npostbus_deliveries_total" + of +
            ",outcome=\"given_back\"} 0\npostbus_deliveries_total" + of + ",outcome=\"abandoned\"} 0\n");
  CHECK(text_of(all, "postbus_deliveries_taken_on_total") ==
        "postbus_deliveries_taken_on_total" + of + "} 4\n");
  CHECK(text_of(all, "postbus_handlers_started_total") == "postbus_handlers_started_total" + of + "} 4\n");
  CHECK(text_of(all, "postbus_retries_total") == "postbus_retries_total" + of + "} 1\n");
  CHECK(text_of(all, "postbus_deliveries_open") == "postbus_deliveries_open" + of + "} 1\n");
  CHECK(text_of(all, "postbus_retries_waiting") == "postbus_retries_waiting" + of + "} 1\n");
  CHECK(text_of(all, "postbus_health") ==
        "postbus_health{component=\"bus\"} 0\npostbus_health{component=\"transport.default\"} 0\n");
}

TEST_CASE("what a batch and an asynchronous publish were refused is counted too", "[metrics]") {
  bus_with_metrics t;
  const std::vector<message> messages{{"a", "x"}, {"not a topic", "x"}};
  t.b.publish(messages);
  t.b.async_publish("not a topic", "x", [](error_code, receipt) {});
  t.b.async_publish("a", "x", [](error_code, receipt) {});
  t.clock.run_until_idle();
  const auto all = t.b.metrics();
  CHECK(text_of(all, "postbus_published_total") == "postbus_published_total 2\n");
  CHECK(text_of(all, "postbus_publish_refused_total") ==
        "postbus_publish_refused_total{error=\"bad_argument\"} 2\n");
  CHECK(text_of(all, "postbus_publishes_in_flight") == "postbus_publishes_in_flight 0\n");
}

TEST_CASE(
    "a running handler is seen, and subscriptions of one pattern and group add up, those that are gone too",
    "[metrics]") {
  bus_with_metrics t;
  std::string running;
  const auto look = [&](const delivery&) { running = text_of(t.b.metrics(), "postbus_handlers_running"); };
  auto one = t.b.subscribe("a", look);
  const auto two = t.b.subscribe("a", look);
  t.b.publish("a", "x");
  t.clock.run_until_idle();
  CHECK(running == "postbus_handlers_running{subscription=\"a\",group=\"\"} 1\n");
  one.unsubscribe();
  t.clock.run_until_idle();
  t.b.publish("a", "x");
  t.clock.run_until_idle();
  CHECK(has(text_of(t.b.metrics(), "postbus_deliveries_total"), "outcome=\"acked\"} 3\n"));
}

TEST_CASE("the series of a pattern and group end with their last subscription, and no sum goes back",
          "[metrics]") {
  bus_with_metrics t;
  auto one = t.b.subscribe("a", [](const delivery&) {});
  auto two = t.b.subscribe("a", [](const delivery&) {});
  t.b.publish("a", "x");
  t.clock.run_until_idle();
  one.unsubscribe();
  t.clock.run_until_idle();
  CHECK(text_of(t.b.metrics(), "postbus_handlers_started_total") ==
        "postbus_handlers_started_total{subscription=\"a\",group=\"\"} 2\n");
  two.unsubscribe();
  t.clock.run_until_idle();
  CHECK(text_of(t.b.metrics(), "postbus_handlers_started_total") ==
        "postbus_handlers_started_total{subscription=\"(ended)\",group=\"\"} 2\n");
  CHECK(has(text_of(t.b.metrics(), "postbus_handler_seconds"),
            "postbus_handler_seconds_count{subscription=\"(ended)\",group=\"\"} 2\n"));
}

TEST_CASE("log lines are counted by level, and what a transport tells by its kind", "[metrics]") {
  testing::manual_clock clock;
  bus b(config_for("puppet")
            .feature("mood")
            .module(test_metrics_module)
            .clock(clock)
            .set("log.level", "info")
            .log_to([](const log_line&) {}));
  const auto s = b.subscribe("a", [](const delivery&) {});
  b.call("puppet.gap");
  b.call("puppet.gap");
  b.call("mood.whisper", "unheard");
  b.call("mood.feel", "tired");
  const auto all = b.metrics();
  CHECK(text_of(all, "postbus_log_lines_total") ==
        "postbus_log_lines_total{level=\"trace\"} 0\npostbus_log_lines_total{level=\"debug\"} 0\n"
        "postbus_log_lines_total{level=\"info\"} 0\npostbus_log_lines_total{level=\"warn\"} 2\n"
        "postbus_log_lines_total{level=\"error\"} 0\n");
  CHECK(text_of(all, "postbus_notices_total") ==
        "postbus_notices_total{transport=\"default\",kind=\"gap\"} 2\n");
  CHECK(text_of(all, "postbus_notice_events_total") ==
        "postbus_notice_events_total{transport=\"default\"} 6\n");
  CHECK(text_of(all, "postbus_mood_told_total") == "postbus_mood_told_total 2\n");
  CHECK(has(text_of(all, "postbus_health"), "postbus_health{component=\"feature.mood\"} 1\n"));
}

TEST_CASE("the time of a queued handler, and from publish to its end, is in the histograms", "[metrics]") {
  bus_with_metrics t;
  const auto s = t.b.subscribe("a", [&](const delivery&) { t.clock.advance(3ms); });
  t.b.publish("a", "x");
  t.clock.advance(0s);
  auto all = t.b.metrics();
  CHECK(at_most(all, "postbus_handler_seconds", 2e-3) == std::pair(std::uint64_t{0}, 3e-3));
  CHECK(at_most(all, "postbus_handler_seconds", 5e-3).first == 1);
  CHECK(at_most(all, "postbus_end_to_end_seconds", 5e-3).first == 1);
}

TEST_CASE("what an event waited for its retry is in the end to end time, and not in the handler's",
          "[metrics]") {
  bus_with_metrics t;
  const auto s = t.b.subscribe("a", [&](const delivery& d) {
    if (d.attempt() == 1) throw retry{150ms};
  });
  t.b.publish("a", "x");
  t.clock.advance(10s);
  const auto all = t.b.metrics();
  CHECK(at_most(all, "postbus_handler_seconds", 1e-6).first == 2);
  CHECK(at_most(all, "postbus_end_to_end_seconds", 0.1).first == 1);
  CHECK(at_most(all, "postbus_end_to_end_seconds", 0.2).first == 2);
}

TEST_CASE("inline handlers are timed, also when a feature looks at their events", "[metrics]") {
  const bool with_feature = GENERATE(false, true);
  config c = config_for("memory").set("transport.dispatch", "inline");
  if (with_feature) c.intercept("look", [](interception&) {});
  bus_with_metrics t(c);
  const auto s = t.b.subscribe("a", [&](const delivery&) { t.clock.advance(3ms); });
  t.b.publish("a", "x");
  t.b.publish("a", "x");
  CHECK(at_most(t.b.metrics(), "postbus_handler_seconds", 5e-3).first == 2);
  CHECK(at_most(t.b.metrics(), "postbus_end_to_end_seconds", 5e-3).first == 2);
  CHECK(s.counts().acked == 2);
}

TEST_CASE("coroutine handlers are timed", "[metrics]") {
  bus_with_metrics t;
  const auto s = t.b.subscribe("a", [&](delivery) -> boost::asio::awaitable<void> {
    t.clock.advance(3ms);
    co_return;
  });
  t.b.publish("a", "x");
  t.clock.run_until_idle();
  CHECK(at_most(t.b.metrics(), "postbus_handler_seconds", 5e-3) == std::pair(std::uint64_t{1}, 3e-3));
}

TEST_CASE("an event that takes another's place is timed in its stead", "[metrics]") {
  bus_with_metrics t(config_for("memory").intercept("shout", [](interception& i) { i.replace("LOUD"); }));
  const auto s = t.b.subscribe("a", [&](const delivery&) { t.clock.advance(3ms); });
  t.b.publish("a", "x");
  t.clock.run_until_idle();
  CHECK(at_most(t.b.metrics(), "postbus_handler_seconds", 5e-3).first == 1);
}

TEST_CASE("of events from outside one in sample_every is timed", "[metrics]") {
  bus_with_metrics t(config_for("puppet"), "2");
  const auto s = t.b.subscribe("a", [](const delivery&) {});
  postbus_event fields{};
  fields.size = sizeof fields;
  fields.topic = sdk::str("a");
  fields.source = sdk::str("elsewhere");
  fields.id = sdk::str("1");
  fields.time_ns = t.clock.wall_ns() - 40'000'000;
  std::string wire;
  detail::encode({}, fields, wire);
  for (int i = 0; i < 5; ++i) t.b.call("puppet.deliver", wire);
  t.clock.run_until_idle();
  CHECK(s.counts().acked == 5);
  CHECK(at_most(t.b.metrics(), "postbus_handler_seconds", 1e-6).first == 3);
  CHECK(at_most(t.b.metrics(), "postbus_end_to_end_seconds", 0.02).first == 0);
  CHECK(at_most(t.b.metrics(), "postbus_end_to_end_seconds", 0.05).first == 3);
}

TEST_CASE("one event in sample_every is timed, and none with 0", "[metrics]") {
  for (const auto& [every, timed] : {std::pair("4", 3u), std::pair("0", 0u)}) {
    bus_with_metrics t(config_for("memory"), every);
    const auto s = t.b.subscribe("a", [](const delivery&) {});
    for (int i = 0; i < 9; ++i) t.b.publish("a", "x");
    t.clock.run_until_idle();
    CHECK(at_most(t.b.metrics(), "postbus_handler_seconds", 1e-6).first == timed);
  }
}

TEST_CASE("threads add to one metric without losing anything", "[metrics]") {
  detail::metric_registry r;
  const auto count = r.define("p", "", POSTBUS_COUNTER, "c", "").number,
             values = r.define("p", "", POSTBUS_HISTOGRAM, "h", "").number;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) r.add(count, 1), r.add(values, i);
    });
  for (auto& t : threads) t.join();
  CHECK(r.read()[0].value == 4000);
  CHECK(r.read()[1].buckets.back().count == 4000);
}

// For prometheus_text.py, which reads the file with a parser that is not ours.
TEST_CASE("the metrics of a busy bus are written to a file", "[.prometheus]") {
  const char* file = std::getenv("POSTBUS_TEST_PROMETHEUS_FILE");
  REQUIRE(file != nullptr);
  bus_with_metrics t(config_for("memory").feature("mood"));
  subscribe_options options;
  options.group = "quo\"te \\ back\nline";
  const auto s = t.b.subscribe(
      "a:*", [&](const delivery&) { t.clock.advance(3ms); }, options);
  for (int i = 0; i < 10; ++i) t.b.publish("a:b", "x");
  t.clock.run_until_idle();
  std::ofstream(file) << prometheus_text(t.b.metrics());
}
