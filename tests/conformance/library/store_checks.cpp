// A store: what each kind of op gives, and when.
#include "store_driver.hpp"
#include "tables.hpp"

#include <algorithm>
#include <set>

namespace postbus::conformance {
namespace {

using namespace std::chrono_literals;

void strings(const library_under_test& l, findings& f) {
  for_each_store(l, f, [](store_driver& d) {
    const std::string k = d.key("string"), n = d.key("number"), binary("a\0\xff", 3);
    d.expect(
        {ok(), ok(0, {binary}), ok(1), ok(1), ok(0), ok()},
        [&](auto& o) {
          o.set(k, binary);
          o.get(k);
          o.check(k);
          o.erase(k);
          o.erase(k);
          o.get(k);
        },
        "a string is kept byte for byte, until it is erased");
    d.expect(
        {ok(5), ok(3), ok(3, {"3"})},
        [&](auto& o) {
          o.add(n, 5);
          o.add(n, -2);
          o.get(n);
        },
        "what is added adds up");
    for (int i = 0; i < 2000; ++i) d.all([&](auto& o) { o.add(n, 1); });
    d.expect(
        {ok(2003, {"2003"})}, [&](auto& o) { o.get(n); }, "two thousand additions all count");
  });
}

void conditions(const library_under_test& l, findings& f) {
  for_each_store(l, f, [](store_driver& d) {
    const std::string k = d.key("condition");
    d.expect(
        {conflict(), ok(), conflict({"a"}), conflict({"a"}), ok(), ok(0, {"b"})},
        [&](auto& o) {
          o.set(k, "x").if_present();
          o.set(k, "a").if_absent();
          o.set(k, "x").if_absent();
          o.set(k, "x").if_equal("z");
          o.set(k, "b").if_equal("a");
          o.get(k);
        },
        "an op is done only where its condition holds");
    d.expect(
        {conflict({"b"}), cancelled(), ok(0)},
        [&](auto& o) {
          o.check(k).if_equal("a").in_group(1);
          o.set(d.key("other"), "half").in_group(1);
          o.check(d.key("other"));
        },
        "a group whose condition fails has done nothing");
    std::size_t wrong = 0;
    for (int i = 0; i < 2000; ++i) {
      const auto given = d.all([&](auto& o) {
        o.set(d.key("once"), std::to_string(i)).if_absent();
        o.set(d.key("once"), "x").if_equal(std::to_string(i + 1));
        o.erase(d.key("once")).if_equal(std::to_string(i));
      });
      wrong += given[0] != ok() || given[1] != conflict({std::to_string(i)}) || given[2] != ok(1);
    }
    d.found(wrong == 0,
            "conditions hold two thousand times; they did not " + std::to_string(wrong) + " times");
  });
}

void expiry(const library_under_test& l, findings& f) {
  for_each_store(l, f, [](store_driver& d) {
    constexpr int keys = 1000;
    const std::string kept = d.key("kept"), renewed = d.key("renewed");
    d.all([&](auto& o) {
      for (int i = 0; i < keys; ++i) o.set(d.key("ttl:" + std::to_string(i)), "x").ttl(lease);
      o.set(kept, "x").ttl(1h);
      o.push(d.key("list"), "x").ttl(lease);
      o.set(renewed, "x").ttl(lease);
      o.expire(renewed, 1h);
    });
    d.let_pass(lease);
    std::size_t left = 0;
    for (const auto& r : d.all([&](auto& o) {
           for (int i = 0; i < keys; ++i) o.check(d.key("ttl:" + std::to_string(i)));
         }))
      left += r.number != 0;
    d.found(left == 0, "what has expired is not there; of a thousand " + std::to_string(left) + " were");
    d.expect(
        {ok(1), ok(1), ok(0), ok()},
        [&](auto& o) {
          o.check(kept);
          o.check(renewed);
          o.length(d.key("list"));
          o.set(d.key("ttl:0"), "again").if_absent();
        },
        "only what has expired is gone, and its place is free");
  });
}

void lists(const library_under_test& l, findings& f) {
  for_each_store(l, f, [](store_driver& d) {
    const std::string k = d.key("list"), to = d.key("taken");
    d.expect(
        {ok(1), ok(2), ok(3), ok(3, {"a", "b", "c"}), ok(1, {"a", "b"}), ok(2, {"a", "b"}), ok(1)},
        [&](auto& o) {
          o.push(k, "b");
          o.push(k, "c");
          o.push(k, "a").front();
          o.list(k);
          o.take(k).to(to).limit(2);
          o.list(to);
          o.length(k);
        },
        "a list keeps its order, and what is taken is moved");
    std::vector<std::string> pushed;
    d.all([&](auto& o) {
      o.erase(k);
      for (int i = 0; i < 2000; ++i) o.push(k, pushed.emplace_back(std::to_string(i)));
    });
    d.found(d.one([&](auto& o) { o.list(k); }).values == pushed,
            "two thousand items of a list keep their order");
    d.found(d.one([&](auto& o) { o.push(k, "x").limit(2000); }).status == POSTBUS_E_FULL,
            "one more item than the limit is answered E_FULL");
  });
}

void hashes(const library_under_test& l, findings& f) {
  for_each_store(l, f, [](store_driver& d) {
    const std::string k = d.key("hash");
    d.expect(
        {ok(1), ok(0), ok(7), ok(0, {"y"}), ok(1), ok(0), ok(0, {"7"}), ok(0)},
        [&](auto& o) {
          o.hash_set(k, "a", "x");
          o.hash_set(k, "a", "y");
          o.hash_add(k, "n", 7);
          o.get(k, "a");
          o.hash_erase(k, "a");
          o.hash_erase(k, "a");
          o.hash_take(k, "n");
          o.check(k);
        },
        "fields are set, counted, erased and taken, and an empty hash is not there");
    d.all([&](auto& o) {
      for (int i = 0; i < 2000; ++i) o.hash_set(k, std::to_string(i), "v" + std::to_string(i));
    });
    const auto all = d.one([&](auto& o) { o.hash_all(k); }).values;
    std::set<std::string> fields;
    for (std::size_t i = 0; i + 1 < all.size(); i += 2)
      if (all[i + 1] == "v" + all[i]) fields.insert(all[i]);
    d.found(all.size() == 4000 && fields.size() == 2000,
            "two thousand fields are all there, each with its value; there were " +
                std::to_string(fields.size()));
  });
}

void sorted_sets(const library_under_test& l, findings& f) {
  for_each_store(l, f, [](store_driver& d) {
    const std::string k = d.key("zset");
    d.expect(
        {ok(2), ok(1), ok(3), ok(3, {"a", "1", "b", "2", "c", "3"}), ok(3, {"b", "2", "c", "3"}), ok(1),
         ok(2, {"a", "1"}), ok(1)},
        [&](auto& o) {
          o.zset_put(k, "b", 2);
          o.zset_put(k, "a", 1);
          o.zset_put(k, "c", 3);
          o.zset_range(k, 0);
          o.zset_range(k, 2);
          o.zset_count(k, 1).front();
          o.zset_take(k, 1).front();
          o.zset_erase(k, "b");
        },
        "members come by their scores");
    d.all([&](auto& o) {
      o.erase(k);
      for (int i = 0; i < 2000; ++i) o.zset_put(k, "m" + std::to_string(i), 7919LL * i % 2003);
    });
    const auto all = d.one([&](auto& o) { o.zset_range(k, 0); }).values;
    bool is_sorted = all.size() == 4000;
    for (std::size_t i = 3; i < all.size(); i += 2)
      is_sorted = is_sorted && std::stol(all[i - 2]) <= std::stol(all[i]);
    d.found(is_sorted, "two thousand members come by their scores");
  });
}

void scans(const library_under_test& l, findings& f) {
  for_each_store(l, f, [](store_driver& d) {
    std::set<std::string> wanted, seen;
    d.all([&](auto& o) {
      for (int i = 0; i < 2000; ++i) o.set(*wanted.insert(d.key("scan:" + std::to_string(i))).first, "x");
      o.set(d.key("other"), "x");
    });
    std::string cursor;
    for (int page = 0; page < 10'000; ++page) {
      const auto r = d.one([&](auto& o) { o.scan(d.key("scan:"), cursor, 100); });
      if (r.values.empty()) break;
      seen.insert(r.values.begin() + 1, r.values.end());
      cursor = r.values[0];
      if (cursor.empty()) break;
    }
    d.found(cursor.empty() && seen == wanted,
            "a scan comes to an end and shows each key of its prefix, and no other; of two "
            "thousand it showed " +
                std::to_string(seen.size()));
  });
}

constexpr library_check table[] = {
    {"store-strings", "a store keeps strings and sums", strings},
    {"store-conditions", "a store does an op only where its condition holds, and a group as a whole",
     conditions},
    {"store-expiry", "a store forgets what has expired, and nothing else", expiry},
    {"store-lists", "a store keeps lists in their order", lists},
    {"store-hashes", "a store keeps hashes", hashes},
    {"store-sorted-sets", "a store keeps members by their scores", sorted_sets},
    {"store-scan", "a scan shows every key of its prefix", scans},
};

}  // namespace

std::span<const library_check> store_checks() { return table; }

}  // namespace postbus::conformance
