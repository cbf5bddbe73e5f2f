// Where a topic goes, and what a pattern can hear.
#include "publish/router.hpp"

#include "support/catch.hpp"

#include <postbus/sdk/topic.hpp>

#include <algorithm>
#include <string>

using namespace postbus;
using namespace postbus::detail;

namespace {

using indexes = std::vector<std::size_t>;

router routes(std::vector<route_settings> list) { return router(std::move(list)); }

// All lists of up to `most` segments of these, joined.
std::vector<std::string> joined(const std::vector<std::string>& segments, std::size_t most) {
  std::vector<std::string> all, longest{""};
  for (std::size_t i = 0; i < most; ++i) {
    std::vector<std::string> longer;
    for (const std::string& head : longest)
      for (const std::string& segment : segments)
        longer.push_back(head.empty() ? segment : head + ":" + segment);
    all.insert(all.end(), longer.begin(), longer.end());
    longest = std::move(longer);
  }
  return all;
}

const std::vector<std::string>& topics() {
  static const auto all = joined({"a", "b", "postbus"}, 4);
  return all;
}

// Patterns that are valid: "**" stands last only.
const std::vector<std::string>& patterns() {
  static const auto all = [] {
    std::vector<std::string> list = joined({"a", "b", "*", "{c}", "postbus", "**"}, 3);
    std::erase_if(list, [](const std::string& p) { return static_cast<bool>(sdk::check_pattern(p)); });
    return list;
  }();
  return all;
}

}  // namespace

TEST_CASE("the first route that matches counts, and none is the default", "[router]") {
  const router r = routes({{{"a:*", "b:**"}, 1}, {{"a:**"}, 2}, {{"a:b:c"}, 3}});
  CHECK(r.route("a:b") == 1);
  CHECK(r.route("b") == 1);
  CHECK(r.route("a:b:c") == 2);
  CHECK(r.route("c") == 0);
  CHECK(router().route("a") == 0);
}

TEST_CASE("a wildcard in front of a route takes nothing that is reserved", "[router]") {
  const router r = routes({{{"**", "*:dead"}, 1}, {{"postbus:**"}, 2}});
  CHECK(r.route("a:dead") == 1);
  CHECK(r.route("postbus:dead") == 2);
  CHECK(routes({{{"**"}, 1}}).route("postbus:dead") == 0);
}

TEST_CASE("a pattern reaches every transport that one of its topics may go over, each once", "[router]") {
  const router r = routes({{{"control:*"}, 2}, {{"data:**", "control:late:**"}, 1}, {{"control:x:*"}, 2}});
  CHECK(r.reach("control:now") == indexes{2});
  CHECK(r.reach("control:*") == indexes{2});
  CHECK(r.reach("control:late") == indexes{2});
  CHECK(r.reach("control:late:x") == indexes{1});
  CHECK(r.reach("control:**") == indexes{0, 1, 2});
  CHECK(r.reach("data:{user}:**") == indexes{1});
  CHECK(r.reach("data") == indexes{1});
  CHECK(r.reach("other") == indexes{0});
  CHECK(r.reach("*:x") == indexes{0, 1, 2});
  CHECK(r.reach("**") == indexes{0, 1, 2});
}

TEST_CASE("what is reserved is reached by its name only", "[router]") {
  const router r = routes({{{"**"}, 1}, {{"postbus:reply:*"}, 2}});
  CHECK(r.reach("**") == indexes{1});
  CHECK(r.reach("postbus:reply:7") == indexes{2});
  CHECK(r.reach("postbus:**") == indexes{0, 2});
  CHECK(r.reach("*:reply:7") == indexes{1});
}

TEST_CASE("two patterns meet exactly when some topic matches both", "[router]") {
  for (const std::string& a : patterns())
    for (const std::string& b : patterns()) {
      const bool some = std::any_of(topics().begin(), topics().end(), [&](const std::string& t) {
        return sdk::matches(a, t) && sdk::matches(b, t);
      });
      if (patterns_meet(a, b) != some) FAIL(a + " and " + b + (some ? " meet" : " never meet"));
    }
}

TEST_CASE("a pattern that covers another matches all that it matches", "[router]") {
  for (const std::string& outer : patterns())
    for (const std::string& inner : patterns()) {
      const bool all = std::all_of(topics().begin(), topics().end(), [&](const std::string& t) {
        return !sdk::matches(inner, t) || sdk::matches(outer, t);
      });
      if (pattern_covers(outer, inner) != all) FAIL(outer + (all ? " covers " : " does not cover ") + inner);
    }
}

TEST_CASE("no topic of a pattern goes over a transport that it does not reach", "[router]") {
  for (const std::string& first : patterns())
    for (const std::string& second : {std::string("a:**"), std::string("*:b"), std::string("postbus:**")}) {
      const router r = routes({{{first}, 1}, {{second}, 2}});
      for (const std::string& pattern :
           {std::string("**"), std::string("a:*"), std::string("{x}:b:**"), std::string("postbus:a")}) {
        const indexes reached = r.reach(pattern);
        for (const std::string& t : topics())
          if (sdk::matches(pattern, t) &&
              std::find(reached.begin(), reached.end(), r.route(t)) == reached.end())
            FAIL(pattern + " does not reach where " + t + " goes, with " + first + " and " + second);
      }
    }
}
