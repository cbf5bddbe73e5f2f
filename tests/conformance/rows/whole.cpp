// Many events, each whole and where it belongs, also those that were handed back: rows 1, 2.
#include "all_rows.hpp"

#include <postbus/conformance/scene.hpp>

#include <map>

namespace postbus::conformance {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t events = 1000;

// What an event with this number carries.
struct carried {
  std::string id, key, first, second, data;
  explicit carried(const std::string& n)
      : id("id " + n),
        key("key " + n),
        first("one " + n),
        second("two " + n),
        data(std::string("data\0 of ", 9) + n) {}
  bool is_in(const delivery& d) const {
    return d.id() == id && d.key() == key && d.header("first") == first && d.header("second") == second &&
           d.text() == data && d.content_type() == "text/x-test" && d.topic() == "whole";
  }
};

std::string number_of(const delivery& d) {
  const std::string_view text = d.text();
  return std::string(text.substr(std::min<std::size_t>(text.size(), 9)));
}

void whole_each_time(scene& s) {
  bus& b = s.open();
  std::atomic<std::size_t> first{0}, first_wrong{0}, second_wrong{0};
  collected<std::string> second;
  subscribe_options options;
  options.group = "g";
  options.prefetch = events;
  auto gives_back = b.subscribe(
      "whole",
      [&](const delivery& d) {
        ++first;
        first_wrong += !carried(number_of(d)).is_in(d);
        throw retry(24h);
      },
      options);
  for (const std::string& n : numbers(events)) {
    const carried c(n);
    const header headers[] = {{"first", c.first}, {"second", c.second}};
    publish_options with;
    with.id = c.id;
    with.key = c.key;
    with.headers = headers;
    with.content_type = "text/x-test";
    s.publish(b, "whole", c.data, with);
  }
  s.await([&] { return gives_back.counts().retried >= events; });
  s.expect_equal(first.load(), events, "events that arrive");
  s.expect_equal(first_wrong.load(), 0u, "events that arrive without something that they carry");
  gives_back.unsubscribe();
  if (s.supplied("acknowledgement") != capability_info::how::native) return;
  const auto next = b.subscribe(
      "whole",
      [&](const delivery& d) {
        second_wrong += !carried(number_of(d)).is_in(d);
        second.add(number_of(d));
      },
      options);
  s.await([&] { return second.size() >= events; });
  s.settle_down();
  expect_each_once(s, second.all(), events, "the next member, which gets what was handed back,");
  s.expect_equal(second_wrong.load(), 0u, "events handed back that arrive without something that they carry");
}

void many_topics(scene& s) {
  bus& b = s.open();
  const char* patterns[] = {"many:*", "many:{which}:x", "many:**"};
  std::map<std::string, collected<std::string>> got;
  std::atomic<std::size_t> wrong{0};
  std::vector<subscription> subscriptions;
  for (const char* pattern : patterns)
    subscriptions.push_back(b.subscribe(pattern, [&, pattern, &mine = got[pattern]](const delivery& d) {
      const std::string which(d.param("which")), text(d.text());
      const bool captures = std::string_view(pattern).find('{') != std::string_view::npos;
      wrong += d.topic() != "many:" + text && d.topic() != "many:" + text + ":x";
      wrong += which != (captures ? text : "");
      mine.add(text);
    }));
  for (std::size_t n = 0; n < 2 * events; ++n) {
    const std::string number = std::to_string(n / 2);
    s.publish(b, "many:" + number + (n % 2 == 0 ? "" : ":x"), number);
  }
  s.await([&] { return got["many:**"].size() >= 2 * events; });
  s.settle_down();
  expect_each_once(s, got["many:*"].all(), events, "'many:*'");
  expect_each_once(s, got["many:{which}:x"].all(), events, "'many:{which}:x'");
  s.expect_equal(got["many:**"].size(), 2 * events, "events of 'many:**'");
  s.expect_equal(wrong.load(), 0u, "events on another topic than their own, or with a wrong capture");
}

constexpr row table[] = {
    {1,
     "a thousand events arrive with what they carry, and once more when they were handed back",
     {"ids, headers, ordering key, ttl", "groups"},
     timing::either,
     whole_each_time},
    {2, "of two thousand topics none is mistaken for another", {"patterns"}, timing::either, many_topics},
};

}  // namespace

std::span<const row> whole_rows() { return table; }

}  // namespace postbus::conformance
