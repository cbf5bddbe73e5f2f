// The index against a plain scan, and the stamps against what really changed.
#include "../support/catch.hpp"

#include <postbus/sdk/topic_index.hpp>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <random>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

using postbus::sdk::check_pattern;
using postbus::sdk::matches;
using postbus::sdk::topic_index;
using postbus::sdk::topic_index_handle;

using numbers = std::vector<int>;

numbers found(const topic_index<int>& index, std::string_view topic) {
  numbers values;
  index.match(topic, [&](const int& value) { values.push_back(value); });
  return values;
}

numbers sorted(numbers values) {
  std::sort(values.begin(), values.end());
  return values;
}

// The slow and obvious index.
struct scan {
  struct entry {
    std::string pattern;
    int value;
    topic_index_handle handle;
  };
  std::vector<entry> entries;

  [[nodiscard]] numbers found(std::string_view topic) const {
    numbers values;
    for (const entry& e : entries) {
      if (matches(e.pattern, topic)) values.push_back(e.value);
    }
    return values;
  }
};

using random_source = std::mt19937;

// Few words, so that patterns overlap and share prefixes; long ones, so that every way of keeping a
// text is used.
std::string random_word(random_source& random) {
  static const std::vector<std::string> words = {"a",
                                                 "b",
                                                 "c",
                                                 "postbus",
                                                 "gr\u00fcn",
                                                 "01890a5d-ac96-774b-bcce-b302099a8057",
                                                 "exactly-thirty-nine-bytes-of-a-segment.",
                                                 "exactly-forty-bytes-of-a-segment-as-text"};
  return words[random() % (random() % 4 == 0 ? words.size() : 4)];
}

std::string random_topic(random_source& random) {
  std::string topic = random_word(random);
  for (auto more = random() % 5; more > 0; --more) topic += ":" + random_word(random);
  return topic;
}

std::string random_pattern(random_source& random) {
  if (random() % 3 == 0) return random_topic(random);
  std::string pattern;
  const auto segments = 1 + random() % 5;
  for (std::size_t i = 0; i < segments; ++i) {
    if (i > 0) pattern += ':';
    const auto choice = random() % 10;
    if (i + 1 == segments && choice < 3) pattern += "**";
    else if (choice < 5) pattern += "*";
    else if (choice < 6) pattern += "{x" + std::to_string(i) + "}";
    else pattern += random_word(random);
  }
  return pattern;
}

}  // namespace

TEST_CASE("an empty index finds nothing", "[topic_index]") {
  topic_index<int> index;
  CHECK(index.empty());
  CHECK(index.size() == 0);
  CHECK(found(index, "a:b").empty());
  CHECK_FALSE(index.erase({}));
  CHECK_FALSE(index.erase({1, 1}));
  CHECK_FALSE(topic_index_handle{});
}

TEST_CASE("an entry is found until it is erased, and erased once", "[topic_index]") {
  for (const auto pattern : {"a:b", "a:*", "a:{x}", "a:**", "*:b", "**", "*:*", "a:b:**"}) {
    CAPTURE(pattern);
    topic_index<int> index;
    const auto handle = index.insert(pattern, 7);
    CHECK(handle);
    CHECK(index.size() == 1);
    CHECK(found(index, "a:b") == numbers{7});
    CHECK(found(index, "b:a:c").size() == (pattern == std::string("**") ? 1U : 0U));
    CHECK(index.erase(handle));
    CHECK_FALSE(index.erase(handle));
    CHECK(index.empty());
    CHECK(found(index, "a:b").empty());
    const auto again = index.insert(pattern, 8);
    CHECK_FALSE(index.erase(handle));  // its room was reused; the old handle does not reach it
    CHECK(found(index, "a:b") == numbers{8});
    CHECK(index.erase(again));
  }
}

TEST_CASE("values under one pattern come in the order they were added", "[topic_index]") {
  for (const auto pattern : {"a:b", "a:*", "a:**"}) {
    topic_index<int> index;
    const auto one = index.insert(pattern, 1);
    const auto two = index.insert(pattern, 2);
    const auto three = index.insert(pattern, 3);
    const auto four = index.insert(pattern, 4);
    CHECK(found(index, "a:b") == numbers{1, 2, 3, 4});
    CHECK(index.erase(two));
    CHECK(found(index, "a:b") == numbers{1, 3, 4});
    CHECK(index.erase(four));
    static_cast<void>(index.insert(pattern, 5));
    CHECK(found(index, "a:b") == numbers{1, 3, 5});
    CHECK(index.erase(one));
    static_cast<void>(index.insert(pattern, 6));
    static_cast<void>(index.insert(pattern, 6));
    CHECK(found(index, "a:b") == numbers{3, 5, 6, 6});
    CHECK(index.erase(three));
    CHECK(index.size() == 3);
  }
}

TEST_CASE("the order between patterns depends on their texts alone", "[topic_index]") {
  std::vector<std::string> order = {"**",    "a:**", "a:b:**", "a:b:*", "a:*:**",
                                    "a:*:c", "*:**", "*:b:c",  "a:b:c"};
  std::vector<std::string> wanted = order;
  random_source random(3);
  for (int round = 0; round < 20; ++round) {
    std::shuffle(order.begin(), order.end(), random);
    topic_index<std::string> index;
    std::vector<topic_index_handle> noise;
    noise.reserve(50);
    for (int i = 0; i < 50; ++i) noise.push_back(index.insert(random_pattern(random), "noise"));
    for (const auto& pattern : order) static_cast<void>(index.insert(pattern, pattern));
    for (const auto handle : noise) CHECK(index.erase(handle));
    std::vector<std::string> got;
    index.match("a:b:c", [&](const std::string& pattern) { got.push_back(pattern); });
    CHECK(got == wanted);
  }
}

TEST_CASE("no wildcard entry is found for a reserved topic", "[topic_index]") {
  topic_index<int> index;
  for (const auto pattern : {"**", "*", "*:x", "{a}:**", "{a}:{b}"}) {
    static_cast<void>(index.insert(pattern, 0));
  }
  static_cast<void>(index.insert("postbus:**", 1));
  static_cast<void>(index.insert("postbus:*", 2));
  static_cast<void>(index.insert("postbus:x", 3));
  CHECK(sorted(found(index, "postbus:x")) == numbers{1, 2, 3});
  CHECK(found(index, "postbus") == numbers{1});
  CHECK(found(index, "a:x").size() == 4);
}

TEST_CASE("the longest and deepest patterns are found", "[topic_index]") {
  topic_index<int> index;
  std::string deep = "s";
  std::string stars = "*";
  while (deep.size() < 255) {
    deep += ":s";
    stars += ":*";
  }
  const std::string wide(255, 'w');
  const std::string tail = "a:" + std::string(251, 't') + ":*";
  REQUIRE(tail.size() == 255);
  static_cast<void>(index.insert(deep, 1));
  static_cast<void>(index.insert(stars, 2));
  static_cast<void>(index.insert(wide, 3));
  static_cast<void>(index.insert("*:s:**", 4));
  const auto long_handle = index.insert("a:" + std::string(251, 't') + ":*", 5);
  CHECK(sorted(found(index, deep)) == numbers{1, 2, 4});
  CHECK(found(index, wide) == numbers{3});
  CHECK(found(index, "a:" + std::string(251, 't') + ":z") == numbers{5});
  CHECK(index.erase(long_handle));
  CHECK(found(index, "a:" + std::string(251, 't') + ":z").empty());
  // Whatever a caller passes by mistake, nothing outside it is touched.
  CHECK(found(index, "").empty());
  static_cast<void>(found(index, std::string(1'000, ':')));
}

TEST_CASE("values die with their entry or with the index", "[topic_index]") {
  const auto value = std::make_shared<int>(1);
  {
    topic_index<std::shared_ptr<int>> index;
    const auto first = index.insert("a", value);
    static_cast<void>(index.insert("a:*", value));
    static_cast<void>(index.insert("**", value));
    CHECK(value.use_count() == 4);
    CHECK(index.erase(first));
    CHECK(value.use_count() == 3);
  }
  CHECK(value.use_count() == 1);
}

TEST_CASE("what fn throws passes through a match", "[topic_index]") {
  topic_index<int> index;
  static_cast<void>(index.insert("a:*", 1));
  CHECK_THROWS_AS(index.match("a:b", [](int) { throw 42; }), int);
  CHECK(found(index, "a:b") == numbers{1});
}

TEST_CASE("the index agrees with a scan, step after step, and stamps with both", "[topic_index]") {
  for (const unsigned seed : {1U, 2U}) {
    CAPTURE(seed);
    random_source random(seed);
    topic_index<int> index;
    scan model;
    std::vector<std::string> topics;
    topics.reserve(100);
    for (int i = 0; i < 100; ++i) topics.push_back(random_topic(random));
    std::vector<std::uint64_t> stamps(topics.size());
    std::vector<numbers> answers(topics.size());
    int value = 0;
    for (int step = 0; step < 3'000; ++step) {
      // Grow to about 300, later empty out, then grow again.
      const bool shrinking = (step / 1'000) % 2 == 1;
      if (model.entries.empty() || random() % 10 < (shrinking ? 3U : 6U)) {
        const std::string pattern = random_pattern(random);
        REQUIRE_FALSE(check_pattern(pattern));
        model.entries.push_back({pattern, ++value, index.insert(pattern, value)});
      } else {
        const auto gone =
            model.entries.begin() + static_cast<std::ptrdiff_t>(random() % model.entries.size());
        REQUIRE(index.erase(gone->handle));
        REQUIRE_FALSE(index.erase(gone->handle));
        model.entries.erase(gone);
      }
      REQUIRE(index.size() == model.entries.size());
      REQUIRE(index.empty() == model.entries.empty());
      // Every topic: an answer that changed has another stamp.
      for (std::size_t i = 0; i < topics.size(); ++i) {
        numbers now = model.found(topics[i]);
        const std::uint64_t stamp = index.stamp(topics[i]);
        if (now != answers[i] && stamp == stamps[i]) FAIL("a stale answer for " + topics[i]);
        answers[i] = std::move(now);
        stamps[i] = stamp;
      }
      const std::size_t asked = random() % topics.size();
      CAPTURE(step, topics[asked]);
      REQUIRE(sorted(found(index, topics[asked])) == sorted(answers[asked]));
    }
    while (!model.entries.empty()) {
      REQUIRE(index.erase(model.entries.back().handle));
      model.entries.pop_back();
    }
    for (const auto& topic : topics) REQUIRE(found(index, topic).empty());
  }
}

TEST_CASE("many patterns, so that tables and chunks grow, agree with their texts", "[topic_index]") {
  topic_index<int> index;
  std::vector<topic_index_handle> handles;
  constexpr int n = 20'000;
  for (int i = 0; i < n; ++i) {
    const std::string id = std::to_string(i);
    handles.push_back(index.insert((i % 2 == 0 ? "exact:" : "wild:") + id + (i % 2 == 0 ? "" : ":*"), i));
  }
  const auto check_all = [&](auto&& is_there) {
    int wrong = 0;
    for (int i = 0; i < n; ++i) {
      const std::string id = std::to_string(i);
      const numbers wanted = is_there(i) ? numbers{i} : numbers{};
      wrong += found(index, i % 2 == 0 ? "exact:" + id : "wild:" + id + ":x") == wanted ? 0 : 1;
    }
    CHECK(wrong == 0);
  };
  check_all([](int) { return true; });
  for (int i = 0; i < n; ++i) {
    if (i % 3 != 0) CHECK(index.erase(handles[static_cast<std::size_t>(i)]));
  }
  check_all([](int i) { return i % 3 == 0; });
}

TEST_CASE("subscriptions that come and go leave no room behind", "[topic_index]") {
  topic_index<int> index;
  static_cast<void>(index.insert("jobs:x:y:*:z", 1));
  const std::string long_word(60, 'l');
  const auto churn = [&](int from, int to) {
    for (int i = from; i < to; ++i) {
      const std::string id = std::to_string(i);
      for (const auto& pattern :
           {"jobs:" + id + ":*", "jobs:" + id + ":*:a:b:c:**",
            std::string(long_word).append(id).append(":*:x"), "*:" + id + ":x", "exact:" + id}) {
        const auto handle = index.insert(pattern, 1);
        CHECK(index.erase(handle));
      }
    }
  };
  churn(1'000, 1'100);
  const std::size_t before = index.memory_bytes();
  churn(1'100, 5'000);
  CHECK(index.memory_bytes() == before);
  CHECK(index.size() == 1);
}

TEST_CASE("churn of exact patterns leaves other topics' stamps alone", "[topic_index]") {
  topic_index<int> index;
  std::vector<std::string> topics;
  std::vector<std::uint64_t> before;
  topics.reserve(20'000);
  for (int i = 0; i < 20'000; ++i) topics.push_back("agent:status:" + std::to_string(i));
  const auto kept_by = [&](const std::string& pattern) {
    before.clear();
    for (const auto& topic : topics) before.push_back(index.stamp(topic));
    const auto handle = index.insert(pattern, 1);
    CHECK(index.erase(handle));
    std::size_t kept = 0;
    for (std::size_t i = 0; i < topics.size(); ++i) {
      kept += index.stamp(topics[i]) == before[i] ? 1U : 0U;
    }
    return static_cast<double>(kept) / static_cast<double>(topics.size());
  };
  for (int i = 0; i < 50; ++i) {
    const std::string id = std::to_string(i);
    CHECK(kept_by("agent:steer:" + id) >= 0.99);
    CHECK(kept_by("session-" + id) >= 0.99);
  }
  CHECK(kept_by("agent") >= 0.99);  // exact, though others begin like it
  CHECK(kept_by("agent:status") >= 0.99);
  CHECK(kept_by("agent:steer:**") == 1.0);  // another pair of first segments
  CHECK(kept_by("jobs:*") == 1.0);
  CHECK(kept_by("agent:status:*") == 0.0);  // these do concern every one of them
  CHECK(kept_by("agent:*:7") == 0.0);
  CHECK(kept_by("{any}:x") == 0.0);
  CHECK(kept_by("**") == 0.0);
}

TEST_CASE("a key serves every index, computed with or without the hash", "[topic_index]") {
  topic_index<int> one;
  topic_index<const char*> other;
  const auto key = topic_index<int>::key("agent:status:42");
  const auto same = topic_index<int>::key("agent:status:42", postbus::sdk::hash_bytes("agent:status:42"));
  CHECK(one.stamp(key) == one.stamp(same));
  static_cast<void>(one.insert("agent:status:42", 1));
  static_cast<void>(other.insert("agent:status:42", ""));
  static_cast<void>(other.insert("agent:{x}:42", ""));
  CHECK(one.stamp(key) == 1);
  CHECK(one.stamp(same) == 1);
  CHECK(one.stamp("agent:status:42") == 1);
  CHECK(other.stamp(key) == 2);
}

TEST_CASE("an answer kept under its stamp is never older than the last change", "[topic_index]") {
  // One thread replaces the entry by one with the next number and says so; another follows the
  // caller's protocol and must never answer with a number below what it was told before it asked.
  topic_index<int> index;
  std::shared_mutex lock;
  std::atomic<int> told{0};
  std::atomic<int> reads{0};
  constexpr int changes = 5'000;
  std::thread owner([&] {
    topic_index_handle handle;
    for (int i = 1; i <= changes; ++i) {
      {
        const std::unique_lock guard(lock);
        const auto next = index.insert(i % 3 == 0 ? "a:b" : i % 3 == 1 ? "a:*" : "**", i);
        index.erase(handle);
        handle = next;
      }
      told = i;
      if (i % 16 == 0) {  // let the reader use what it kept
        for (const int seen = reads; reads < seen + 3;) std::this_thread::yield();
      }
    }
  });
  const auto key = topic_index<int>::key("a:b");
  std::uint64_t kept_stamp = ~std::uint64_t{0};
  int kept = 0;
  int reused = 0;
  int stale = 0;
  while (told < changes) {
    const int before = told;
    if (const std::uint64_t stamp = index.stamp(key); stamp == kept_stamp) {
      ++reused;
    } else {
      const std::shared_lock guard(lock);
      kept = 0;
      index.match("a:b", [&](int value) { kept = std::max(kept, value); });
      kept_stamp = stamp;
    }
    if (kept < before) ++stale;
    ++reads;
  }
  reads = 1 << 30;
  owner.join();
  CHECK(stale == 0);
  CHECK(reused > 0);
  CHECK(found(index, "a:b") == numbers{changes});
}

#ifdef NDEBUG
TEST_CASE("a pattern nobody checked adds nothing", "[topic_index]") {
  topic_index<int> index;
  for (const auto& pattern :
       {std::string(), std::string("a::b"), std::string(256, 'x'), std::string("a*"), std::string("**:a")}) {
    CHECK_FALSE(index.insert(pattern, 1));
  }
  CHECK(index.empty());
}
#endif
