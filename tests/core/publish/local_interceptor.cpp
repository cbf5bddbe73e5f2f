// Features that are functions of the program.
#include "refusal.hpp"
#include "support/bus.hpp"

#include <postbus/testing/manual_clock.hpp>

using namespace postbus;
using namespace postbus::tests;

namespace {

struct fixture {
  explicit fixture(config c)
      : b(c.clock(clock)), s(b.subscribe("**", [this](const delivery& d) {
          got += std::string(d.topic()) + "=" + std::string(d.text()) + " ";
        })) {}
  error_code publish(std::string_view topic, std::string_view data, const publish_options& options = {}) {
    error_code ec;
    b.publish(topic, data, options, ec);
    clock.run_until_idle();
    return ec;
  }
  testing::manual_clock clock;
  std::string got;
  bus b;
  subscription s;
};

}  // namespace

TEST_CASE("a function of the program sees a publish on its way down and a delivery on its way up",
          "[interceptor]") {
  std::string seen;
  const auto note = [&](interception& i) {
    seen += std::string(i.stage() == stage::publish ? "down " : "up ") + std::string(i.topic()) + "/" +
            std::string(i.text()) + "/" + std::string(i.key()) + "/" +
            std::string(i.header("tenant").value_or("-")) + " ";
  };
  fixture f(config_for("memory").intercept("note", note).set("plugin.note.key", "header:tenant"));
  const header headers[] = {{"tenant", "acme"}};
  publish_options options;
  options.headers = headers;
  CHECK_FALSE(f.publish("a", "1", options));
  CHECK(seen == "down a/1/acme/acme up a/1/acme/acme ");
}

TEST_CASE("it may be asked in one pass only, and about some topics only", "[interceptor]") {
  int publishes = 0, deliveries = 0;
  fixture f(config_for("memory")
                .intercept(
                    "down", [&](interception&) { ++publishes; }, stages::publish)
                .intercept(
                    "up", [&](interception&) { ++deliveries; }, stages::deliver)
                .set("plugin.up.topics", "[\"b:*\"]"));
  f.publish("a", "1");
  f.publish("b:1", "2");
  CHECK(publishes == 2);
  CHECK(deliveries == 1);
}

TEST_CASE("what it rejects is refused in its own words, in a batch each in its own", "[interceptor]") {
  fixture f(config_for("memory").intercept("strict", [](interception& i) {
    if (i.text() != "good") i.reject("does not like " + std::string(i.text()));
  }));
  CHECK(f.publish("a", "bad") == error::refused);
  CHECK(refusal([&] { f.b.publish("a", "worse"); }).found() ==
        "a publish on 'a': strict: does not like worse");
  const message batch[] = {{"a", "x"}, {"a", "good"}, {"a", "y"}};
  const auto results = f.b.publish(batch);
  CHECK(results[0].ec == error::refused);
  CHECK_FALSE(results[1].ec);
  CHECK(results[2].ec == error::refused);
}

TEST_CASE("what it drops is acked and starts no handler", "[interceptor]") {
  fixture f(config_for("memory").intercept(
      "mute", [](interception& i) { i.drop(); }, stages::deliver));
  CHECK_FALSE(f.publish("a", "1"));
  CHECK(f.got.empty());
  CHECK(f.s.counts().dropped == 1);
}

TEST_CASE("what it replaces goes on as the new event, with the attributes of the old one", "[interceptor]") {
  std::string tenant;
  fixture f(config_for("memory").intercept(
      "shout",
      [](interception& i) {
        i.replace("loud:" + std::string(i.topic()), std::string(i.text()) + "!");
        CHECK(i.text().ends_with("!"));
      },
      stages::publish));
  const auto s =
      f.b.subscribe("loud:*", [&](const delivery& d) { tenant = d.header("tenant").value_or("-"); });
  const header headers[] = {{"tenant", "acme"}};
  publish_options options;
  options.headers = headers;
  options.id = "77";
  f.publish("a", "hey", options);
  CHECK(f.got == "loud:a=hey! ");
  CHECK(tenant == "acme");
}

TEST_CASE("the last verdict counts, and a replacement that is not used leaks nothing", "[interceptor]") {
  fixture f(config_for("memory").intercept(
      "undecided",
      [](interception& i) {
        i.replace("1");
        i.replace("2");
        if (i.topic() == "a") i.drop();
      },
      stages::publish));
  f.publish("a", "x");
  f.publish("b", "x");
  CHECK(f.got == "b=2 ");
}

TEST_CASE("an exception is a failure, and on_error says what becomes of the event", "[interceptor]") {
  const auto fails = [](interception&) { throw std::runtime_error("ill"); };
  fixture refuses(config_for("memory").intercept("ill", fails, stages::publish));
  CHECK(refuses.publish("a", "1") == error::refused);
  fixture passes(config_for("memory").intercept("ill", fails).set("plugin.ill.on_error", "pass"));
  CHECK_FALSE(passes.publish("a", "1"));
  CHECK(passes.got == "a=1 ");
}

TEST_CASE("it may publish itself, and comes across that publish too", "[interceptor]") {
  bus* self = nullptr;
  fixture f(config_for("memory").intercept(
      "echo",
      [&](interception& i) {
        if (i.topic() == "a") self->publish("b", "from a");
        if (i.text() == "no") i.reject("because");
      },
      stages::publish));
  self = &f.b;
  CHECK(f.publish("a", "no") == error::refused);
  CHECK(f.got == "b=from a ");
  CHECK(has(refusal([&] { f.b.publish("a", "no"); }).found(), "echo: because"));
}

TEST_CASE("settings that a function cannot have are refused, and so is its name twice", "[interceptor]") {
  const auto nothing = [](interception&) {};
  const error e = refusal(
      [&] { bus b(config_for("memory").intercept("mine", nothing).set("plugin.mine.window", "1h")); });
  CHECK(e.code() == error::bad_config);
  CHECK(e.found() == "plugin.mine.window (set in code)");
  CHECK(has(e.wanted(), "'mine' is a function of the program"));
  CHECK(refusal([&] {
          bus b(config_for("memory").intercept("mine", nothing).intercept("mine", nothing));
        }).code() == error::bad_config);
}
