// Order by key: row 6.
#include "all_rows.hpp"

#include <postbus/conformance/scene.hpp>

#include <map>
#include <thread>

namespace postbus::conformance {
namespace {

using namespace std::chrono_literals;

publish_options with_key(std::string_view key) {
  publish_options o;
  o.key = key;
  return o;
}

// What the handlers of one key did. A handler that begins while another one of its key runs has broken the promise.
class by_key {
 public:
  bool begin(const std::string& key) {
    const std::lock_guard lock(mutex_);
    return ++running_[key] == 1;
  }
  void end(const std::string& key, const std::string* done) {
    const std::lock_guard lock(mutex_);
    --running_[key];
    if (done == nullptr) return;
    done_[key].push_back(*done);
    ++all_;
  }
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return all_;
  }
  std::map<std::string, std::vector<std::string>> done() const {
    const std::lock_guard lock(mutex_);
    return done_;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, int> running_;
  std::map<std::string, std::vector<std::string>> done_;
  std::size_t all_ = 0;
};

// No handler ends before everything is published, so that each event but the first of its key has others to wait for.
void keys_keep_their_order(scene& s) {
  constexpr std::size_t keys = 8, per_key = 250;
  bus& b = s.open({{"bus.threads", "8"}});
  by_key seen;
  std::atomic<int> at_once{0};
  std::atomic<bool> all_published{false};
  subscribe_options options;
  options.ordered_by = "partitionkey";
  options.concurrency = 8;
  options.prefetch = keys * per_key;
  const auto sub = b.subscribe(
      "jobs",
      [&](const delivery& d) {
        const std::string key(d.key()), text(d.text());
        if (!seen.begin(key)) ++at_once;
        while (!all_published) std::this_thread::yield();
        const bool fails = d.attempt() == 1 && text.ends_with('7');
        seen.end(key, fails ? nullptr : &text);
        if (fails) throw retry(0ms);
      },
      options);
  for (std::size_t n = 0; n < keys * per_key; ++n)
    s.publish(b, "jobs", std::to_string(n / keys), with_key(std::to_string(n % keys)));
  all_published = true;
  s.await([&] { return seen.size() >= keys * per_key; });
  s.settle_down();
  s.expect_equal(at_once.load(), 0, "handlers that began while another one of their key ran");
  const auto done = seen.done();
  s.expect_equal(done.size(), keys, "keys that arrived");
  for (const auto& [key, texts] : done) {
    expect_each_once(s, texts, per_key, "the key " + key);
    s.expect(!s.failures().empty() || texts == numbers(per_key), "the events of one key keep their order");
  }
}

void a_retry_holds_its_key(scene& s) {
  bus& b = s.open();
  collected<std::string> a, others;
  std::mutex mutex;
  settlement held;
  const auto is_held = [&] {
    const std::lock_guard lock(mutex);
    return a.size() == 1;
  };
  subscribe_options options;
  options.ordered_by = "partitionkey";
  options.concurrency = 4;
  const auto sub = b.subscribe(
      "jobs",
      [&](const delivery& d) {
        const std::string text(d.text());
        if (d.key() != "a") return others.add(text);
        const std::lock_guard lock(mutex);
        a.add(text + "/" + std::to_string(d.attempt()));
        if (text == "1" && d.attempt() == 1) held = d.defer();
        if (text == "1" && d.attempt() == 2) throw retry(1ms);
      },
      options);
  for (const char* text : {"1", "2", "3"}) {
    s.publish(b, "jobs", text, with_key("a"));
    s.publish(b, "jobs", text, with_key("b"));
  }
  s.wait_until(is_held, "the first event of a key is delivered");
  s.wait_until([&] { return others.size() >= 3; }, "another key goes on while one is held up");
  s.settle_down();
  s.expect_equal(a.size(), 1u, "deliveries of a key whose first event is not settled");
  held.retry(1ms);
  s.await([&] { return a.size() >= 5; });
  s.settle_down();
  s.expect(a.all() == std::vector<std::string>{"1/1", "1/2", "1/3", "2/1", "3/1"},
           "what stands behind a retry of its key waits for it");
  s.expect(others.all() == std::vector<std::string>{"1", "2", "3"}, "another key keeps its own order");
}

constexpr row table[] = {
    {6,
     "the events of a key keep their order with eight workers, and run one at a time",
     {"order by key", "ids, headers, ordering key, ttl"},
     timing::real,
     keys_keep_their_order},
    {6,
     "a retry holds the events of its key, and no others",
     {"order by key", "ids, headers, ordering key, ttl"},
     timing::either,
     a_retry_holds_its_key},
};

}  // namespace

std::span<const row> ordering_rows() { return table; }

}  // namespace postbus::conformance
