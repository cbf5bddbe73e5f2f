// claims: which items may go on, and what the store has to be told for it. Without I/O, clock or lock: whoever owns it carries out
// what is in `outbox`, hands in what the store said, and gives the host what is in `verdicts`.
//
//   arrive ──▶ asking ──ok──────────────▶ running ──acked──▶ finishing ──▶ over
//                │  ▲ │                      └─────failed──▶ releasing ──▶ over
//                │  │ └──────done──▶ over (dropped)
//              taken└──told, or its time──┐
//                └────▶ waiting ──────────┘
#pragma once

#include "claim.hpp"
#include "done_cache.hpp"

#include <memory>
#include <unordered_map>
#include <vector>

namespace postbus::dedup_plugin {

struct claim_settings {
  std::int64_t window_ns, lease_ns;
  std::size_t cache_max;
};

// Since the start.
struct claim_counts {
  std::uint64_t let_by = 0, duplicates = 0, parked = 0, taken_over = 0, released = 0, lapsed = 0,
                unclaimed = 0,
                known_here = 0;  // of the duplicates: without asking the store
};

class claims {
 public:
  explicit claims(const claim_settings& s) : settings_(s), done(s.cache_max) {}
  claims(const claims&) = delete;
  claims& operator=(const claims&) = delete;
  ~claims();

  // A new one, whose key and token are to be set; then arrive(), which decides at once where it can.
  claim& make();
  void arrive(claim& c, std::int64_t now_ns);
  // The host says how it ended. `verdict` says when it may go on with that; then let_go().
  void settled(claim& c, bool is_done, std::int64_t now_ns);
  // The host needs it no more; it may be gone now.
  void let_go(claim& c);

  // The host waits for the verdict from now on; and it may be given, by what is in `verdicts`.
  static void keep(claim& c) noexcept { c.is_kept = true; }

  void answered(const request& r, const reply& a, std::int64_t now_ns, std::int64_t wall_ns);
  // Whoever had the key has it no more; every key, if it is empty.
  void told(std::string_view key);
  // From time to time: leases are renewed, and those that wait look again.
  void tick(std::int64_t now_ns);
  // What failed is tried again.
  void retry(std::int64_t now_ns);

  bool empty() const noexcept { return first_ == nullptr; }
  bool anything_failed() const noexcept { return failed_ > 0; }
  std::size_t alive() const noexcept { return alive_; }
  std::size_t waiting() const noexcept { return waiting_.size(); }

  std::vector<request> outbox;
  std::vector<postbus_verdict> verdicts;
  claim_counts counts;

 private:
  const claim_settings settings_;

 public:
  done_cache done;

 private:
  void send(claim& c, step what, std::int64_t token, bool tells = false);
  void took(claim& c, const reply& a, std::int64_t now_ns, std::int64_t wall_ns);
  void marked(claim& c, const reply& a, std::int64_t now_ns, std::int64_t wall_ns);
  void renewed(claim& c, const request& r, const reply& a, std::int64_t now_ns);
  void ended(claim& c, const request& r, const reply& a);
  void missed(claim& c, const request& r, std::int64_t now_ns);
  void decide(claim& c, sdk::verdict v);
  void let_by(claim& c, std::int64_t now_ns);
  void refuse(claim& c, std::int64_t until_ns, std::int64_t now_ns, std::int64_t wall_ns);
  void wait(claim& c, std::int64_t token);
  void look_again(claim& c);
  void stop_waiting(claim& c);
  void end(claim& c);
  void set_failed(claim& c, step what);
  void clear_failed(claim& c);
  void collect(claim& c);

  claim* first_ = nullptr;
  std::unordered_multimap<std::string_view, claim*> waiting_;  // by the claims' own keys
  std::vector<std::unique_ptr<claim>> spare_;
  std::size_t alive_ = 0, failed_ = 0;
};

}  // namespace postbus::dedup_plugin
