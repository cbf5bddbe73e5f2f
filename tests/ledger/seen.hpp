// seen: the kinds of settlements and faults that a run brings about, and how many of each it saw.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace postbus::ledger {

enum class kind : unsigned {
  ack,
  retry,
  retry_after,
  exception,
  reject,
  defer_ack,
  defer_retry,
  defer_retry_after,
  defer_reject,
  defer_dropped,
  timed_out,
  late_answer,
  second_answer,
  given_up,
  expired,
  batch,
  async,
  ttl,
  delayed,
  delay_cancelled,
  delay_lost,
  follow_up,
  requeued,
  given_back,
  unsubscribed,
  unsubscribed_inside,
  resubscribed,
  closed,
  full,
  link_stalled,
  store_failed,
  letter_back,
  still_queued
};

inline constexpr std::array<std::string_view, 33> kind_names{"ack",           "retry",
                                                             "retry_after",   "exception",
                                                             "reject",        "defer_ack",
                                                             "defer_retry",   "defer_retry_after",
                                                             "defer_reject",  "defer_dropped",
                                                             "timed_out",     "late_answer",
                                                             "second_answer", "given_up",
                                                             "expired",       "batch",
                                                             "async",         "ttl",
                                                             "delayed",       "delay_cancelled",
                                                             "delay_lost",    "follow_up",
                                                             "requeued",      "given_back",
                                                             "unsubscribed",  "unsubscribed_inside",
                                                             "resubscribed",  "closed",
                                                             "full",          "link_stalled",
                                                             "store_failed",  "letter_back",
                                                             "still_queued"};

class seen {
 public:
  void operator()(kind k, std::uint64_t n = 1) noexcept { counts_[static_cast<unsigned>(k)] += n; }
  std::uint64_t of(std::size_t k) const noexcept { return counts_[k]; }
  void add(const seen& other) noexcept {
    for (std::size_t k = 0; k < counts_.size(); ++k) counts_[k] += other.counts_[k];
  }

 private:
  std::array<std::uint64_t, kind_names.size()> counts_{};
};

}  // namespace postbus::ledger
