// Many threads at once.
#include "store_host.hpp"

#include <latch>
#include <thread>

using namespace postbus::tests;
using postbus::sdk::store_ops;

TEST_CASE("what eight threads add is all there", "[store]") {
  constexpr int threads = 8, rounds = 20'000;
  store_host s;
  // Straight into the table: what a test's host does around a call would keep the threads apart.
  const auto* table = s.interface<postbus_store>("postbus.store/1");
  std::latch begin(threads);
  const auto work = [&](int me) {
    store_ops ops;
    ops.add("sum", 1).in_group(1);
    ops.hash_add("sums", std::to_string(me), 1).in_group(1);
    ops.set("own:" + std::to_string(me), "v").ttl(1h);
    begin.arrive_and_wait();
    for (int i = 0; i < rounds; ++i) table->execute(s.self(), ops.all().data(), ops.all().size(), {});
  };
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t) all.emplace_back(work, t);
  for (auto& t : all) t.join();
  CHECK(DO(get("sum")).number == threads * rounds);
  for (int t = 0; t < threads; ++t) CHECK(DO(get("sums", std::to_string(t))).number == rounds);
  CHECK(s.metric_value("keys") == threads + 2);
}

TEST_CASE("of many threads that want a lock one has it at a time", "[store]") {
  constexpr int threads = 4, rounds = 500;
  store_host s;
  std::atomic<int> inside = 0, wrong = 0;
  const auto work = [&] {
    for (int i = 0; i < rounds;) {
      store_ops ops;
      ops.set("lock", "me").if_absent().in_group(1);
      ops.add("fence", 1).in_group(1);
      if (s.execute(std::move(ops)).results()[0].status != POSTBUS_OK) continue;
      if (inside.fetch_add(1) != 0) ++wrong;
      inside.fetch_sub(1);
      store_ops unlock;
      unlock.erase("lock");
      s.execute(std::move(unlock));
      ++i;
    }
  };
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t) all.emplace_back(work);
  for (auto& t : all) t.join();
  CHECK(DO(get("fence")).number == threads * rounds);
  CHECK(wrong == 0);
}

TEST_CASE("the notes of many threads come in the order of what they tell of", "[store]") {
  constexpr int threads = 4, rounds = 500;
  store_host s;
  std::vector<std::int64_t> heard;
  std::function<void(std::string_view, std::string_view)> changed =
      [&](std::string_view, std::string_view note) { heard.push_back(std::stoll(std::string(note))); };
  REQUIRE(s.watch("order", changed));
  const auto work = [&] {
    for (int i = 0; i < rounds;) {
      store_ops read;
      read.get("order");
      const std::int64_t seen = s.execute(std::move(read)).results()[0].number;
      const std::string now = std::to_string(seen + 1);
      store_ops ops;
      auto set = ops.set("order", now).if_equal(std::to_string(seen)).in_group(1);
      if (seen == 0) set.if_absent();
      ops.notify("order", now).in_group(1);
      if (s.execute(std::move(ops)).results()[0].status == POSTBUS_OK) ++i;
    }
  };
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t) all.emplace_back(work);
  for (auto& t : all) t.join();
  s.clock().run_until_idle();
  REQUIRE(heard.size() == threads * rounds);
  for (std::size_t i = 0; i < heard.size(); ++i) REQUIRE(heard[i] == static_cast<std::int64_t>(i) + 1);
}
