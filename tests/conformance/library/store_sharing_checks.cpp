// A store that several use at once: locks, watches, threads.
#include "store_driver.hpp"
#include "tables.hpp"

#include <mutex>
#include <thread>

namespace postbus::conformance {
namespace {

using namespace std::chrono_literals;

// Locks as features make them: the owner's name under a lease, and a fence that grows with each owner.
struct lock {
  store_driver& d;
  std::string name = d.key("lock"), fence = d.key("fence"), seen = d.key("fence-seen"), data = d.key("data");

  std::vector<testing::op_result> acquire(std::string_view owner) {
    return d.all([&](auto& o) {
      o.set(name, owner).if_absent().ttl(lease).in_group(1);
      o.add(fence, 1).in_group(1);
    });
  }
  testing::op_result renew(std::string_view owner) {
    return d.one([&](auto& o) { o.expire(name, lease).if_equal(owner); });
  }
  testing::op_result release(std::string_view owner) {
    return d.one([&](auto& o) { o.erase(name).if_equal(owner); });
  }
  std::vector<testing::op_result> write(std::int64_t with) {
    return d.all([&](auto& o) {
      o.set(seen, with).if_at_least().in_group(1);
      o.set(data, std::to_string(with)).in_group(1);
    });
  }
};

void locks(const library_under_test& l, findings& f) {
  using results = std::vector<testing::op_result>;
  for_each_store(l, f, [](store_driver& d) {
    lock k{d};
    d.found(k.acquire("one") == results{ok(), ok(1)}, "a lock that is free is acquired");
    d.found(k.acquire("two") == results{conflict({"one"}), cancelled()},
            "a lock that is held is not, and its fence stays");
    d.found(k.renew("one") == ok(1), "its owner renews it");
    d.found(k.renew("two") == conflict({"one"}) && k.release("two") == conflict({"one"}),
            "nobody else renews or releases it");
    d.let_pass(lease);
    d.found(k.renew("one") == conflict(), "a lock whose lease is over is not renewed");
    d.found(k.acquire("two") == results{ok(), ok(2)},
            "a lock whose lease is over goes to the next, with a greater fence");
    d.found(k.release("one") == conflict({"two"}), "the owner of before does not release it");
    d.found(k.write(2) == results{ok(2), ok()}, "a write under the newest fence is done");
    d.found(k.write(1) == results{conflict({"2"}), cancelled()}, "a write under an older fence is not");
    d.found(d.one([&](auto& o) { o.get(k.data); }) == ok(2, {"2"}),
            "the data is what the newest owner wrote");
    d.found(k.release("two") == ok(1), "its owner releases it");
    std::int64_t fence = 2;
    for (int i = 0; i < 1500; ++i) {
      const auto got = k.acquire("many");
      if (got != results{ok(), ok(++fence)} || k.release("many") != ok(1)) {
        d.found(
            false,
            "a lock is acquired and released many times, each with a greater fence; the time that failed: " +
                std::to_string(i));
        break;
      }
    }
  });
}

void watches(const library_under_test& l, findings& f) {
  for_each_store(l, f, [](store_driver& d) {
    if (const auto* table = d.interface<postbus_store>("postbus.store/1");
        !POSTBUS_CAN(table, watch) || !POSTBUS_CAN(table, unwatch))
      throw check_skipped{"the store has no watches"};
    std::mutex mutex;
    std::vector<std::string> heard;
    std::function<void(std::string_view, std::string_view)> changed = [&](std::string_view,
                                                                          std::string_view note) {
      const std::lock_guard lock(mutex);
      heard.emplace_back(note);
    };
    const auto count = [&] {
      const std::lock_guard lock(mutex);
      return heard.size();
    };
    const auto hears = [&](std::size_t n) {
      const auto end = std::chrono::steady_clock::now() + d.patience();
      while (count() < n && std::chrono::steady_clock::now() < end) {
        d.clock().run_until_idle();
        std::this_thread::yield();
      }
      return count() >= n;
    };
    const auto w = d.watch(d.key("watched:"), changed);
    if (!d.expect_ok(w, "watch")) return;
    std::vector<std::string> told;
    for (int i = 0; i < 1500; ++i)
      d.all([&](auto& o) {
        o.notify(d.key("watched:a"), told.emplace_back(std::to_string(2 * i)));
        o.notify(d.key("other"), "not for it");
        o.notify(d.key("watched:b"), told.emplace_back(std::to_string(2 * i + 1)));
      });
    hears(told.size());
    d.found(heard == told, "a watch hears each note of its prefix, once and in order; of 3,000 it heard " +
                               std::to_string(count()));
    d.all([&](auto& o) {
      o.check(d.key("nothing")).if_present().in_group(1);
      o.notify(d.key("watched:a"), "of a group that failed").in_group(1);
      o.notify(d.key("watched:a"), "the last");
    });
    hears(told.size() + 1);
    d.found(!heard.empty() && heard.back() == "the last" && count() == told.size() + 1,
            "a note of a group that failed is not told");
    const std::size_t before = count();
    if (!d.expect_ok(d.unwatch(w.number()), "unwatch")) return;
    d.all([&](auto& o) { o.notify(d.key("watched:a"), "late"); });
    d.let_pass(10ms);
    d.found(count() == before, "after unwatch nothing is told");
  });
}

void threads(const library_under_test& l, findings& f) {
  for_each_store(l, f, [](store_driver& d) {
    constexpr int count = 8, each = 250;
    const std::string sum = d.key("sum"), list = d.key("list");
    std::vector<testing::answer> answers;
    std::mutex mutex;
    {
      std::vector<std::jthread> all;
      for (int t = 0; t < count; ++t)
        all.emplace_back([&] {
          for (int i = 0; i < each; ++i) {
            sdk::store_ops ops;
            ops.add(sum, 1).in_group(1);
            ops.push(list, "x").in_group(1);
            const testing::answer a = d.execute(std::move(ops));
            const std::lock_guard lock(mutex);
            answers.push_back(a);
          }
        });
    }
    for (const testing::answer& a : answers)
      if (!d.expect_ok(a, "execute")) return;
    d.expect(
        {ok(count * each, {std::to_string(count * each)}), ok(count * each)},
        [&](auto& o) {
          o.get(sum);
          o.length(list);
        },
        "what eight threads add at once adds up");
  });
}

constexpr library_check table[] = {
    {"store-lock", "a lock is acquired, contended for, renewed, lost and fenced as its owner needs", locks},
    {"store-watch", "a watch hears what it is there for", watches},
    {"store-threads", "a store is asked from eight threads at once", threads},
};

}  // namespace

std::span<const library_check> store_sharing_checks() { return table; }

}  // namespace postbus::conformance
