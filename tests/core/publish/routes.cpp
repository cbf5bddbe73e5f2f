// Several transports in one bus: where a publish goes, what a subscription hears, and what is refused because one of them cannot.
#include "refusal.hpp"
#include "support/bus.hpp"

#include <postbus/testing/manual_clock.hpp>

using namespace postbus;
using namespace postbus::tests;

namespace {

// Two in-memory transports: control:** goes over "control", the rest over the default one.
config two_transports() {
  return config_for("memory").transport("control", "memory").route({"control:**"}, "control");
}

struct routed {
  explicit routed(config c = two_transports()) : b(c.clock(clock)) {}

  subscription listen(std::string_view pattern, std::string& heard, std::string_view transport = "") {
    subscribe_options options;
    options.transport = transport;
    return b.subscribe(
        pattern,
        [&heard](const delivery& d) { heard += std::string(d.topic()) + "=" + std::string(d.text()) + " "; },
        options);
  }
  void publish(std::string_view topic, std::string_view data) {
    b.publish(topic, data);
    clock.run_until_idle();
  }

  testing::manual_clock clock;
  bus b;
};

}  // namespace

TEST_CASE("a publish goes over the transport of the first route that matches", "[routes]") {
  routed r(two_transports().route({"control:late", "data:**"}, "control"));
  std::string main, control;
  const auto a = r.listen("**", main, "default"), b = r.listen("**", control, "control");
  r.publish("control:pause", "1");
  r.publish("data:x", "2");
  r.publish("jobs:42", "3");
  CHECK(main == "jobs:42=3 ");
  CHECK(control == "control:pause=1 data:x=2 ");
}

TEST_CASE("a subscription hears its pattern over every transport, and each event once", "[routes]") {
  routed r;
  std::string heard;
  const auto s = r.listen("**", heard);
  r.publish("control:pause", "1");
  r.publish("jobs:42", "2");
  CHECK(heard == "control:pause=1 jobs:42=2 ");
  CHECK(s.counts().acked == 2);
}

TEST_CASE("a subscription is only where its topics can come from", "[routes]") {
  // The hub has its own threads: a virtual clock refuses it, were it used; here it is not even asked.
  routed r(two_transports().set("transports.control.queue_max", "1"));
  std::string heard;
  subscribe_options options;
  options.transport = "control";
  const auto deaf = r.listen("jobs:*", heard, "control");
  const auto s = r.listen("jobs:*", heard);
  r.publish("jobs:1", "a");
  r.publish("jobs:2", "b");
  CHECK(heard == "jobs:1=a jobs:2=b ");
  CHECK(deaf.counts().taken_on == 0);
}

TEST_CASE("a batch is answered per event, over whichever transport each goes", "[routes]") {
  routed r(two_transports().set("transports.control.data_max", "4"));
  std::string heard;
  const auto s = r.listen("**", heard);
  const message batch[] = {
      {"jobs:1", "a"}, {"control:x", "b"}, {"control:x", "too long"}, {"jobs:2", "too long"}};
  const auto results = r.b.publish(batch);
  r.clock.run_until_idle();
  CHECK_FALSE(results[0].ec);
  CHECK_FALSE(results[1].ec);
  CHECK(results[2].ec == error::too_large);
  CHECK_FALSE(results[3].ec);
  CHECK(heard == "jobs:1=a control:x=b jobs:2=too long ");
}

TEST_CASE("too large for one transport names that one's setting", "[routes]") {
  routed r(two_transports().set("transports.control.data_max", "4"));
  const error e = refusal([&] { r.b.publish("control:x", "12345"); });
  CHECK(e.code() == error::too_large);
  CHECK(e.wanted() == "at most 4");
  CHECK(has(e.remedy(), "transports.control.data_max"));
}

TEST_CASE("an unknown transport is refused with the nearest name", "[routes]") {
  routed r;
  std::string heard;
  const error e = refusal([&] { (void)r.listen("a", heard, "controll"); });
  CHECK(e.code() == error::bad_argument);
  CHECK(e.wanted() == "one of default, control");
  CHECK(e.remedy() == "did you mean 'control'?");
}

TEST_CASE("what one of its transports cannot do is refused to a subscription, and nothing is left behind",
          "[routes]") {
  routed r(
      two_transports().set("transports.control.like", "memory").set("transports.control.dispatch", "inline"));
  subscribe_options options;
  options.concurrency = 2;
  const auto ignore = [](const delivery&) {};
  const error e = refusal([&] { (void)r.b.subscribe("**", ignore, options); });
  CHECK(e.code() == error::unsupported);
  CHECK(has(e.found(), "transports.control.dispatch"));
  CHECK(r.b.topics().empty());
  const auto fine = r.b.subscribe("jobs:*", ignore, options);
  CHECK(r.b.close().clean);
}

TEST_CASE("a retry over one transport does not disturb what comes over the other", "[routes]") {
  routed r;
  std::string log;
  const auto s = r.b.subscribe("**", [&](const delivery& d) {
    log += std::string(d.topic()) + std::to_string(d.attempt()) + " ";
    if (d.topic() == "control:x" && d.attempt() == 1) throw retry{1s};
  });
  r.publish("control:x", "");
  r.publish("jobs:1", "");
  r.clock.advance(2s);
  CHECK(log == "control:x1 jobs:11 control:x2 ");
  CHECK(s.counts().acked == 2);
}

TEST_CASE("a transport that answers later stands beside one that answers at once", "[routes]") {
  bus b(config_for("memory").transport("far", "hub").route({"far:**"}, "far"));
  std::atomic<int> near{0}, far{0};
  const auto s = b.subscribe("**", [&](const delivery& d) { ++(d.topic() == "far:x" ? far : near); });
  const message batch[] = {{"far:x", "1"}, {"near", "2"}, {"far:x", "3"}};
  for (const publish_result& result : b.publish(batch)) CHECK_FALSE(result.ec);
  b.publish("far:x", "4");
  b.publish("near", "5");
  CHECK(eventually([&] { return near == 2 && far == 3; }));
  const close_report report = b.close();
  CHECK(report.clean);
  CHECK(report.published == 5);
  CHECK(report.total().acked == 5);
}

TEST_CASE("a plugin is called by its id, or by the name of its transport", "[routes]") {
  routed r;
  CHECK(refusal([&] { r.b.call("control.nothing"); }).code() == error::no_such_method);
  CHECK(has(refusal([&] { r.b.call("contrl.nothing"); }).wanted(), "a plugin of this bus"));
}

TEST_CASE("a codec without attributes refuses what it could not carry, on any transport", "[routes]") {
  routed r(two_transports()
               .set("transports.control.codec", "raw")
               .set("transports.control.content_type", "application/json"));
  const header headers[] = {{"tenant", "a"}};
  publish_options with_id, with_key, with_headers, with_type, with_same_type;
  with_id.id = "7";
  with_key.key = "k";
  with_headers.headers = headers;
  with_type.content_type = "text/plain";
  with_same_type.content_type = "application/json";
  for (const publish_options* options : {&with_id, &with_key, &with_headers, &with_type}) {
    error_code ec;
    r.b.publish("control:x", "1", *options, ec);
    CHECK(ec == error::unsupported);
    r.b.publish("jobs:1", "1", *options, ec);
    CHECK_FALSE(ec);
  }
  CHECK_NOTHROW(r.b.publish("control:x", "1", with_same_type));
  CHECK(has(refusal([&] { r.b.publish("control:x", "1", with_key); }).wanted(),
            "the codec of [transports.control] is raw"));
}

TEST_CASE("a handler publishes through its delivery onto a codec without headers", "[routes]") {
  routed r(two_transports().set("transports.control.codec", "raw"));
  std::string heard;
  const auto a = r.b.subscribe("jobs:*", [](const delivery& d) { d.publish("control:done", d.text()); });
  const auto b = r.listen("control:*", heard);
  r.publish("jobs:1", "x");
  CHECK(heard == "control:done=x ");
}
