// The face for applications: <postbus/brake.hpp>.
#include "fleet.hpp"
#include "refusal.hpp"

#include <postbus/brake.hpp>

using namespace postbus;
using namespace postbus::tests;

TEST_CASE("an application pauses and resumes, and reads what came of it", "[brake]") {
  fleet f(2);
  std::vector<settlement> kept;
  const auto s = f[1].subscribe("jobs:{user_id}:*", [&](const delivery& d) { kept.push_back(d.defer()); });
  publish_options o;
  o.id = "e1";
  f[0].publish("jobs:42:mail", "x", o);
  f.clock.run_until_idle();
  brake b(f[0]);
  const brake::report r = b.pause(brake::key("42"), {.actor = "ann"});
  CHECK(r.state == brake::pausing);
  CHECK(r.actor == "ann");
  CHECK(r.epoch == 1);
  REQUIRE(r.working.size() == 1);
  CHECK(r.working[0].process.starts_with("p1-"));
  CHECK(r.working[0].topic == "jobs:42:mail");
  CHECK(r.working[0].id == "e1");
  CHECK_FALSE(r.working[0].is_unverified);
  kept.clear();  // a retry
  f.clock.advance(1min);
  CHECK(b.status(brake::key("42")).state == brake::paused);
  CHECK(b.status(brake::key("42")).parked == 1);
  CHECK(b.status(brake::all()).state == brake::running);
  CHECK(b.confirm_unverified(brake::key("42")) == 0);
  CHECK(refusal([&] { b.resume(brake::key("42"), {.epoch = 7}); }).code() == error::failed);
  CHECK(b.resume(brake::key("42"), {.epoch = 1}).state == brake::running);
  CHECK(b.pause(brake::pattern("jobs:*:mail")).state == brake::pausing);
}
