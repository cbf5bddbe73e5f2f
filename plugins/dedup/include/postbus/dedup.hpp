// dedup: what the plugin of that name knows, and having it forget. Over bus.call(), so only for a bus with the feature.
//
//   postbus::dedup d(bus);
//   std::cout << d.stats().duplicates << " copies were dropped\n";
//   d.forget({.group = "workers", .pattern = "jobs:*"}, "fleet", "0190c2f4-…");   // its next copy is handled
//
// Any thread; the bus outlives it. Each call completes when the plugin has answered, and throws postbus::error: unsupported (the bus has
// no such plugin), bad_argument, unavailable (the store), closed.
#pragma once

#include <postbus/bus.hpp>

#include <boost/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace postbus {

// Since the start, of this bus; `_now` and the known and done ones as it is.
struct dedup_stats {
  std::uint64_t claimed = 0;                // let by, to be handled
  std::uint64_t duplicates = 0;             // dropped
  std::uint64_t duplicates_known_here = 0;  // of them without asking the store
  std::uint64_t parked = 0;                 // copies that came while the first one ran
  std::uint64_t taken_over = 0;            // of them let by, for the first one failed or its process was gone
  std::uint64_t released = 0;              // claims of attempts that failed, were given up, or given back
  std::uint64_t lapsed = 0;                // claims that somebody else took while the handler ran
  std::uint64_t unclaimed = 0;             // let by without the store
  std::uint64_t without_key = 0;           // let by unseen: the event has not what it is to be known by
  std::uint64_t running = 0, waiting = 0;  // now
  std::uint64_t store_calls = 0, store_failures = 0;
  std::uint64_t known_ids = 0, known_bytes = 0, bytes_per_known_id = 0;  // in this process
  std::uint64_t done_ids = 0,
                bytes_per_done_id = 0;  // written into the store: key and value, without what the store adds
};

// Whose handling it is: a group, which is its name and its pattern. Both empty: the publishes.
struct dedup_scope {
  std::string_view group{}, pattern{};
};

class dedup {
 public:
  explicit dedup(bus& with) : bus_(with) {}

  dedup_stats stats() const {
    const boost::json::value all = boost::json::parse(bus_.call("dedup.stats"));
    const auto at = [&](const char* name) { return all.at(name).to_number<std::uint64_t>(); };
    return {at("claimed"),
            at("duplicates"),
            at("duplicates_known_here"),
            at("parked"),
            at("taken_over"),
            at("released"),
            at("lapsed"),
            at("unclaimed"),
            at("without_key"),
            at("running"),
            at("waiting"),
            at("store_calls"),
            at("store_failures"),
            at("known_ids"),
            at("known_bytes"),
            at("bytes_per_known_id"),
            at("done_ids"),
            at("bytes_per_done_id")};
  }
  // False: it is not known, or being handled now.
  bool forget(const dedup_scope& where, std::string_view source, std::string_view id) const {
    return forget(where, {{"source", source}, {"id", id}});
  }
  // Where plugin.dedup.key is set: by its value.
  bool forget_key(const dedup_scope& where, std::string_view key) const {
    return forget(where, {{"key", key}});
  }

 private:
  bool forget(const dedup_scope& where, boost::json::object what) const {
    if (where.group.empty() && where.pattern.empty()) what["publish"] = true;
    else what["group"] = where.group, what["pattern"] = where.pattern;
    return boost::json::parse(bus_.call("dedup.forget", boost::json::serialize(what))).at("forgotten") != 0;
  }

  bus& bus_;
};

}  // namespace postbus
