// The rows of the conformance suite that a transport must pass whatever it is, over each of ours. The numbers are those of the
// suite; it becomes a library and a command of its own later.
#include "support/bus.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

using namespace postbus;
using namespace postbus::tests;

namespace {

std::string any_transport() { return GENERATE(as<std::string>(), "memory", "hub", "hub+json"); }

// Collects what a handler saw.
template <class T>
class seen {
 public:
  void add(T value) {
    const std::lock_guard lock(mutex_);
    values_.push_back(std::move(value));
  }
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return values_.size();
  }
  std::vector<T> all() const {
    const std::lock_guard lock(mutex_);
    return values_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<T> values_;
};

struct full_event {
  std::string topic, id, key, content_type, data;
  std::map<std::string, std::string> headers;
};

full_event everything(const delivery& d) {
  full_event e{std::string(d.topic()),        std::string(d.id()),   std::string(d.key()),
               std::string(d.content_type()), std::string(d.text()), {}};
  for (const header& h : d.headers()) e.headers.emplace(h.name, h.value);
  return e;
}

}  // namespace

TEST_CASE("row 1: an event arrives with its id, its headers and its body byte for byte", "[conformance]") {
  bus b(config_for(any_transport()).set("transport.data_max", "64KiB"));
  seen<full_event> got;
  const auto s = b.subscribe("round:trip", [&](const delivery& d) { got.add(everything(d)); });

  const std::string value("caf\xc3\xa9 \x01 = ;,");
  const header headers[] = {{"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
                            {"x1", value},
                            {"empty", ""}};
  publish_options options;
  options.id = "an id of any kind \xe2\x9c\x93";
  options.key = "order-7";
  options.content_type = "application/octet-stream";
  options.headers = headers;
  const std::string binary("a\0b\xff\x00z", 6), most(64 * 1024, 'm');
  for (const std::string& body : {std::string(), binary, most}) {
    const std::size_t n = got.size() + 1;
    CHECK(b.publish("round:trip", body, options).id() == options.id);
    REQUIRE(eventually([&] { return got.size() >= n; }));
    const full_event e = got.all().back();
    CHECK(e.data == body);
    CHECK(e.id == options.id);
    CHECK(e.key == "order-7");
    CHECK(e.content_type == "application/octet-stream");
    CHECK(e.headers == std::map<std::string, std::string>{
                           {"traceparent", std::string(headers[0].value)}, {"x1", value}, {"empty", ""}});
  }
  error_code ec;
  b.publish("round:trip", most + "x", {}, ec);
  CHECK(ec == error::too_large);
}

TEST_CASE("row 1: an event without an id gets one, and its receipt says it", "[conformance]") {
  bus b(config_for(any_transport()));
  seen<std::string> ids;
  const auto s = b.subscribe("a", [&](const delivery& d) { ids.add(std::string(d.id())); });
  const std::string first = b.publish("a", "1").id(), second = b.publish("a", "2").id();
  CHECK(first.size() == 36);
  CHECK(first != second);
  REQUIRE(eventually([&] { return ids.size() == 2; }));
  CHECK(ids.all() == std::vector{first, second});
}

TEST_CASE("row 2: topics do not mix, and patterns match what they say", "[conformance]") {
  bus b(config_for(any_transport()));
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
  std::map<std::string, seen<std::string>> got;
  seen<std::string> captured;
  std::vector<subscription> subscriptions;
  std::size_t total = 0;
  for (const auto& [pattern, matching] : expected) {
    total += matching.size();
    seen<std::string>& mine = got[pattern];
    subscriptions.push_back(
        b.subscribe(pattern, [&, is_capture = pattern == "a:{middle}:c"](const delivery& d) {
          mine.add(std::string(d.topic()));
          if (is_capture) captured.add(std::string(d.param("middle")));
        }));
  }
  for (const std::string& topic : topics) b.publish(topic, topic);
  REQUIRE(eventually([&] {
    std::size_t n = 0;
    for (const auto& [pattern, list] : got) n += list.size();
    return n >= total;
  }));
  b.close();
  for (const auto& [pattern, matching] : expected) {
    const auto list = got[pattern].all();
    INFO(pattern);
    CHECK(std::set<std::string>(list.begin(), list.end()) == matching);
    CHECK(list.size() == matching.size());
  }
  const auto names = captured.all();
  CHECK(std::set<std::string>(names.begin(), names.end()) == std::set<std::string>{"b", "x"});
}

TEST_CASE("row 3: fifty publishers and fifty subscribers lose nothing and double nothing", "[conformance]") {
  constexpr int publishers = 50, per_publisher = 100, subscribers = 50;
  bus b(config_for(any_transport()));
  std::vector<std::unique_ptr<seen<std::string>>> got;
  std::vector<subscription> subscriptions;
  for (int i = 0; i < subscribers; ++i) {
    auto& mine = *got.emplace_back(std::make_unique<seen<std::string>>());
    // Every subscriber takes the topics of one publisher.
    subscriptions.push_back(b.subscribe("load:" + std::to_string(i) + ":*",
                                        [&](const delivery& d) { mine.add(std::string(d.text())); }));
  }
  std::vector<std::thread> threads;
  for (int p = 0; p < publishers; ++p)
    threads.emplace_back([&, p] {
      for (int n = 0; n < per_publisher; ++n)
        b.publish("load:" + std::to_string(p) + ":" + std::to_string(n % 10), std::to_string(n));
    });
  for (std::thread& t : threads) t.join();
  for (const auto& mine : got) {
    REQUIRE(eventually([&] { return mine->size() >= per_publisher; }));
    std::vector<std::string> expected;
    for (int n = 0; n < per_publisher; ++n) expected.push_back(std::to_string(n));
    CHECK(mine->all() == expected);  // one publisher, one subscription: in order
  }
}

TEST_CASE("row 4: two groups each get everything, and the members of one split it without a double",
          "[conformance]") {
  constexpr int events = 1000;
  bus b(config_for(any_transport()));
  std::array<seen<std::string>, 3> got;  // first group: 0 and 1; second: 2
  subscribe_options first, second;
  first.group = "first";
  first.prefetch = 8;
  second.group = "second";
  const auto s0 = b.subscribe(
      "work:*", [&](const delivery& d) { got[0].add(std::string(d.text())); }, first);
  const auto s1 = b.subscribe(
      "work:*", [&](const delivery& d) { got[1].add(std::string(d.text())); }, first);
  const auto s2 = b.subscribe(
      "work:*", [&](const delivery& d) { got[2].add(std::string(d.text())); }, second);
  for (int n = 0; n < events; ++n) b.publish("work:" + std::to_string(n % 7), std::to_string(n));
  REQUIRE(eventually([&] { return got[0].size() + got[1].size() >= events && got[2].size() >= events; }));
  std::vector<std::string> split = got[0].all();
  for (const std::string& text : got[1].all()) split.push_back(text);
  CHECK(split.size() == events);
  CHECK(std::set<std::string>(split.begin(), split.end()).size() == events);
  CHECK(got[0].size() > 0);
  CHECK(got[1].size() > 0);
  CHECK(got[2].size() == events);
}

TEST_CASE("row 5: without a group every subscription gets every event", "[conformance]") {
  constexpr int events = 500;
  bus b(config_for(any_transport()));
  std::array<std::atomic<int>, 8> got{};
  std::vector<subscription> subscriptions;
  for (auto& count : got) subscriptions.push_back(b.subscribe("fan:out", [&](const delivery&) { ++count; }));
  for (int n = 0; n < events; ++n) b.publish("fan:out", std::to_string(n));
  for (auto& count : got) CHECK(eventually([&] { return count == events; }));
}

TEST_CASE("row 23: unsubscribing one of two leaves the other, and no handler starts afterwards",
          "[conformance]") {
  bus b(config_for(any_transport()));
  std::atomic<int> stays{0}, goes{0};
  const auto other = b.subscribe("news", [&](const delivery&) { ++stays; });
  auto one = b.subscribe("news", [&](const delivery&) { ++goes; });
  std::atomic<bool> stop{false};
  std::thread publisher([&] {
    while (!stop) b.publish("news", "x");
  });
  REQUIRE(eventually([&] { return goes > 100; }));
  one.unsubscribe();
  const int at_the_end = goes;
  const int before = stays;
  CHECK(eventually([&] { return stays > before + 100; }));
  CHECK(goes == at_the_end);
  stop = true;
  publisher.join();
}

TEST_CASE("row 23: a handler may unsubscribe itself", "[conformance]") {
  bus b(config_for(any_transport()));
  std::atomic<int> calls{0};
  subscription s;
  std::mutex ready;
  std::unique_lock hold(ready);
  s = b.subscribe("once", [&](const delivery&) {
    const std::lock_guard wait_for_the_handle(ready);
    ++calls;
    s.unsubscribe();
  });
  hold.unlock();
  for (int n = 0; n < 100; ++n) b.publish("once", "x");
  CHECK(eventually([&] { return calls == 1; }));
  const close_report report = b.close();
  CHECK(calls == 1);
  CHECK(report.total().taken_on == sum(report.total()));
}

TEST_CASE("row 23: what a member of a group had not started goes to the others", "[conformance]") {
  constexpr int events = 200;
  bus b(config_for(any_transport()));
  subscribe_options options;
  options.group = "workers";
  options.prefetch = 64;
  std::atomic<bool> blocked{true};
  std::atomic<int> first_calls{0};
  seen<std::string> done;
  auto first = b.subscribe(
      "jobs",
      [&](const delivery& d) {
        ++first_calls;
        while (blocked) std::this_thread::yield();
        done.add(std::string(d.text()));
      },
      options);
  for (int n = 0; n < events; ++n) b.publish("jobs", std::to_string(n));
  REQUIRE(eventually([&] { return first_calls == 1; }));
  const auto second = b.subscribe(
      "jobs", [&](const delivery& d) { done.add(std::string(d.text())); }, options);
  std::thread release([&] { blocked = false; });
  first.unsubscribe();
  release.join();
  CHECK(eventually([&] { return done.size() == events; }));
  const auto all = done.all();
  CHECK(std::set<std::string>(all.begin(), all.end()).size() == events);
}

TEST_CASE("row 25: closing twice gives the same report", "[conformance]") {
  bus b(config_for(any_transport()));
  std::atomic<int> calls{0};
  const auto s = b.subscribe("a", [&](const delivery&) { ++calls; });
  for (int n = 0; n < 10; ++n) b.publish("a", "x");
  REQUIRE(eventually([&] { return calls == 10; }));
  const close_report first = b.close(), second = b.close();
  CHECK(first.clean);
  CHECK(first.published == 10);
  CHECK(first.subscriptions.size() == 1);
  CHECK(first.total().acked == 10);
  CHECK(second.total().acked == 10);
}

TEST_CASE("row 25: after close a publish is refused", "[conformance]") {
  bus b(config_for(any_transport()));
  b.close();
  error_code ec;
  b.publish("a", "x", {}, ec);
  CHECK(ec == error::closed);
  CHECK_THROWS_AS(b.subscribe("a", [](const delivery&) {}), error);
  publish_result results[1];
  const message batch[] = {{"a", "x"}};
  b.publish(batch, results);
  CHECK(results[0].ec == error::closed);
}

TEST_CASE("row 25: close with full queues gives back or reports everything", "[conformance]") {
  bus b(config_for(any_transport()));
  subscribe_options options;
  options.group = "g";
  std::atomic<bool> blocked{true};
  std::atomic<int> calls{0};
  const auto s = b.subscribe(
      "a",
      [&](const delivery&) {
        ++calls;
        while (blocked) std::this_thread::yield();
      },
      options);
  for (int n = 0; n < 1000; ++n) b.publish("a", std::to_string(n));
  REQUIRE(eventually([&] { return calls == 1; }));
  std::thread later([&] {
    // close() has begun when a publish from outside is refused.
    error_code ec;
    while (!ec) b.publish("elsewhere", "x", {}, ec);
    blocked = false;
  });
  const close_report report = b.close();
  later.join();
  CHECK(report.clean);
  const delivery_counts total = report.total();
  CHECK(total.taken_on == sum(total));
  CHECK(total.acked == static_cast<std::uint64_t>(calls));
  CHECK(total.given_back > 0);
}

TEST_CASE("row 25: close waits for an answer that is still owed", "[conformance]") {
  bus b(config_for(any_transport()));
  subscribe_options options;
  options.group = "g";
  settlement owed;
  std::atomic<bool> taken{false};
  const auto s = b.subscribe(
      "a",
      [&](const delivery& d) {
        owed = d.defer();
        taken = true;
      },
      options);
  b.publish("a", "x");
  REQUIRE(eventually([&] { return taken.load(); }));
  std::thread later([&] {
    error_code ec;
    while (!ec) b.publish("elsewhere", "x", {}, ec);  // until close() has begun
    owed.ack();
  });
  const close_report report = b.close();
  later.join();
  CHECK(report.clean);
  CHECK(report.total().acked == 1);
}

TEST_CASE("row 27: a bus made, started, stopped and destroyed many times leaves nothing behind",
          "[conformance]") {
  const std::string transport = any_transport();
  const auto count_entries = [](const char* folder) {
    return std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator());
  };
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  constexpr int rounds = 200;  // a sanitizer sees a leak in one
#else
  constexpr int rounds = 1000;
#endif
  const auto once = [&] {
    bus b(config_for(transport));
    std::atomic<int> calls{0};
    const auto s = b.subscribe("a", [&](const delivery&) { ++calls; });
    b.publish("a", "x");
    CHECK(eventually([&] { return calls == 1; }));
  };
  for (int i = 0; i < 10; ++i) once();
  const auto fds = count_entries("/proc/self/fd"), threads = count_entries("/proc/self/task");
  for (int i = 0; i < rounds; ++i) once();
  CHECK(count_entries("/proc/self/fd") == fds);
  CHECK(eventually([&] { return count_entries("/proc/self/task") == threads; }));
}

TEST_CASE("row 28: every option that is not built yet is refused by name", "[conformance]") {
  bus b(config_for(any_transport()));
  const auto refuses = [&](const std::string& name, auto set) {
    subscribe_options options;
    set(options);
    try {
      const auto s = b.subscribe(
          "a", [](const delivery&) {}, options);
      FAIL("not refused: " + name);
    } catch (const error& e) {
      CHECK(e.code() == error::unsupported);
      CHECK(e.found().find("'" + name + "'") != std::string::npos);
    }
  };
  refuses("lease", [](auto& o) { o.lease = 1s; });
}
