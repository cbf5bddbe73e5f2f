// What is published arrives, whole, where it belongs and in its order: rows 1, 2, 3, 5, 6.
#include "all_rows.hpp"

#include <postbus/conformance/scene.hpp>

#include <map>
#include <set>
#include <thread>

namespace postbus::conformance {
namespace {

struct whole_event {
  std::string id, key, content_type, data;
  std::map<std::string, std::string> headers;
};

whole_event everything(const delivery& d) {
  whole_event e{
      std::string(d.id()), std::string(d.key()), std::string(d.content_type()), std::string(d.text()), {}};
  for (const header& h : d.headers()) e.headers.emplace(h.name, h.value);
  return e;
}

void round_trip(scene& s) {
  bus& b = s.open({{"transport.data_max", "64KiB"}});
  collected<whole_event> got;
  const auto sub = b.subscribe("round:trip", [&](const delivery& d) { got.add(everything(d)); });

  const std::string value("caf\xc3\xa9 \x01 = ;,");
  const header headers[] = {{"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
                            {"x1", value},
                            {"empty", ""}};
  publish_options options;
  options.key = "order-7";
  options.content_type = "application/octet-stream";
  options.headers = headers;
  const std::string binary("a\0b\xff\x00z", 6), most(64 * 1024, 'm');
  for (const std::string& body : {std::string(), binary, most}) {
    const std::string size = " of " + std::to_string(body.size()) + " bytes";
    const std::size_t n = got.size() + 1;
    const std::string id = "an id of any kind \xe2\x9c\x93" + size;
    options.id = id;
    s.expect_equal(s.publish(b, "round:trip", body, options).id(), options.id, "the id in the receipt");
    s.wait_until([&] { return got.size() >= n; }, "an event" + size + " arrives");
    const whole_event e = got.all().back();
    s.expect(e.data == body, "a body" + size + " arrives byte for byte; it came with " +
                                 std::to_string(e.data.size()) + " bytes");
    s.expect_equal(e.id, options.id, "the id");
    s.expect_equal(e.key, options.key, "the ordering key");
    s.expect_equal(e.content_type, options.content_type, "the content type");
    s.expect_equal(e.headers.size(), std::size(headers), "the number of headers");
    for (const header& h : headers) {
      const auto found = e.headers.find(std::string(h.name));
      s.expect(found != e.headers.end(), "the header '" + std::string(h.name) + "' arrives");
      if (found != e.headers.end()) s.expect_equal(found->second, h.value, "header " + found->first);
    }
  }
  s.expect_equal(s.try_publish(b, "round:trip", most + "x").message(),
                 make_error_code(error::too_large).message(), "the answer for one byte more than data_max");
}

void ids_are_made(scene& s) {
  bus& b = s.open();
  collected<std::string> ids;
  const auto sub = b.subscribe("a", [&](const delivery& d) { ids.add(d.id()); });
  const std::string first = s.publish(b, "a", "1").id(), second = s.publish(b, "a", "2").id();
  s.expect_equal(first.size(), 36u, "the length of an id that the bus makes");
  s.expect(first != second, "two events get two ids");
  s.wait_until([&] { return ids.size() == 2; }, "both events arrive");
  s.expect(ids.all() == std::vector{first, second}, "the ids that arrive are those of the receipts");
}

void topics_and_patterns(scene& s) {
  bus& b = s.open();
  const std::vector<std::string> topics{"a", "a:b", "a:b:c", "a:x:c", "b", "ab", "a:b:c:d"};
  const std::map<std::string, std::set<std::string>> expected{
      {"a", {"a"}},
      {"a:b", {"a:b"}},
      {"*", {"a", "b", "ab"}},
      {"a:*", {"a:b"}},
      {"a:{middle}:c", {"a:b:c", "a:x:c"}},
      {"a:**", {"a", "a:b", "a:b:c", "a:x:c", "a:b:c:d"}},
      {"**", {"a", "a:b", "a:b:c", "a:x:c", "b", "ab", "a:b:c:d"}},
  };
  std::map<std::string, collected<std::string>> got;
  collected<std::string> captured;
  std::vector<subscription> subscriptions;
  for (const auto& [pattern, matching] : expected) {
    collected<std::string>& mine = got[pattern];
    subscriptions.push_back(
        b.subscribe(pattern, [&, captures = pattern == "a:{middle}:c"](const delivery& d) {
          // The last of the real topics is what the pattern has to be judged by; a fence comes later.
          if (d.topic().starts_with("conformance:")) return;
          mine.add(d.topic());
          if (captures) captured.add(d.param("middle"));
          if (d.text() != d.topic()) mine.add("data of '" + std::string(d.text()) + "'");
        }));
  }
  for (const std::string& topic : topics) s.publish(b, topic, topic);
  for (const auto& [pattern, matching] : expected)
    s.await([&, n = matching.size(), &mine = got[pattern]] { return mine.size() >= n; });
  s.settle_down();
  for (const auto& [pattern, matching] : expected) {
    const auto list = got[pattern].all();
    std::string seen;
    for (const std::string& topic : list) seen += " " + topic;
    s.expect(std::set<std::string>(list.begin(), list.end()) == matching && list.size() == matching.size(),
             "'" + pattern + "' gets each topic that it matches once, and no other; it got" + seen);
  }
  const auto names = captured.all();
  s.expect(std::set<std::string>(names.begin(), names.end()) == std::set<std::string>{"b", "x"},
           "'{middle}' captures 'b' and 'x'");
}

void fifty_by_fifty(scene& s) {
  constexpr std::size_t publishers = 50, per_publisher = 100;
  bus& b = s.open();
  std::vector<std::unique_ptr<collected<std::string>>> got;
  std::vector<subscription> subscriptions;
  for (std::size_t i = 0; i < publishers; ++i) {
    auto& mine = *got.emplace_back(std::make_unique<collected<std::string>>());
    subscriptions.push_back(
        b.subscribe("load:" + std::to_string(i) + ":*", [&](const delivery& d) { mine.add(d.text()); }));
  }
  std::vector<std::jthread> threads;
  std::atomic<int> refused{0};
  for (std::size_t p = 0; p < publishers; ++p)
    threads.emplace_back([&, p] {
      for (std::size_t n = 0; n < per_publisher; ++n) {
        error_code ec;
        b.publish("load:" + std::to_string(p) + ":" + std::to_string(n % 10), std::to_string(n), {}, ec);
        if (ec) ++refused;
      }
    });
  threads.clear();
  s.expect_equal(refused.load(), 0, "publishes that were not confirmed");
  s.await([&] {
    std::size_t total = 0;
    for (const auto& mine : got) total += mine->size();
    return total >= publishers * per_publisher;
  });
  s.settle_down();
  for (std::size_t i = 0; i < publishers; ++i) {
    const auto seen = got[i]->all();
    expect_each_once(s, seen, per_publisher, "subscriber " + std::to_string(i));
    s.expect(!s.failures().empty() || seen == numbers(per_publisher),
             "what one publisher sends to one subscriber keeps its order");
  }
}

void fan_out(scene& s) {
  constexpr std::size_t events = 1000;
  bus& b = s.open();
  std::array<collected<std::string>, 8> got;
  std::vector<subscription> subscriptions;
  for (auto& mine : got)
    subscriptions.push_back(b.subscribe("fan:out", [&](const delivery& d) { mine.add(d.text()); }));
  for (const std::string& n : numbers(events)) s.publish(b, "fan:out", n);
  for (auto& mine : got) s.await([&] { return mine.size() >= events; });
  s.settle_down();
  for (auto& mine : got) expect_each_once(s, mine.all(), events, "one of eight subscriptions");
}

void order_for_one(scene& s) {
  constexpr std::size_t events = 1000;
  bus& b = s.open();
  collected<std::string> got;
  const auto sub = b.subscribe("in:*", [&](const delivery& d) { got.add(d.text()); });
  for (const std::string& n : numbers(events)) s.publish(b, "in:order", n);
  s.await([&] { return got.size() >= events; });
  s.settle_down();
  const auto seen = got.all();
  expect_each_once(s, seen, events, "one consumer");
  std::size_t back = 0;
  for (std::size_t i = 1; i < seen.size(); ++i) back += std::stoul(seen[i]) < std::stoul(seen[i - 1]);
  s.expect_equal(back, 0u, "events that came behind a later one");
}

constexpr row table[] = {
    {1,
     "an event arrives with its id, its headers and its body byte for byte",
     {"ids, headers, ordering key, ttl"},
     timing::either,
     round_trip},
    {1,
     "an event without an id gets one, and its receipt says it",
     {"ids, headers, ordering key, ttl"},
     timing::either,
     ids_are_made},
    {2,
     "topics do not mix, and patterns match what they say",
     {"patterns"},
     timing::either,
     topics_and_patterns},
    {3,
     "fifty publishers and fifty subscribers lose nothing and double nothing",
     {"patterns"},
     timing::real,
     fifty_by_fifty},
    {5, "without a group every subscription gets every event", {}, timing::either, fan_out},
    {6, "one consumer gets a thousand events in their order", {"patterns"}, timing::either, order_for_one},
};

}  // namespace

std::span<const row> carrying_rows() { return table; }

}  // namespace postbus::conformance
