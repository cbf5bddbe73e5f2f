// Part of <postbus/sdk/topic_index.hpp>: counters that tell whether the answer for a topic may have
// changed. A change of an exact pattern counts in the bucket of its text; of a wildcard pattern in
// the bucket of its first two segments if both are literal, of its first if only that is, else in
// the one of every topic. A topic's stamp is the sum of the four it lies in: since counters only
// grow, equal sums mean that none of them moved.
#pragma once

#include <postbus/sdk/detail/topic_text.hpp>
#include <postbus/sdk/hash.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace postbus::sdk {

// Where a topic's counters are, in every index alike. Compute it once for each topic you cache.
struct topic_stamp_key {
  std::uint16_t text = 0;
  std::uint16_t two_segments = 0;
  std::uint16_t first_segment = 0;
};

namespace detail {

class topic_stamps {
 public:
  using bucket = std::uint16_t;
  static constexpr bucket every_topic = 0;

  [[nodiscard]] static bucket text_bucket(std::uint64_t text_hash) noexcept {
    return static_cast<bucket>(texts_begin + text_hash % texts);
  }

  // A prefix of one or two segments; its hash is built by extend().
  [[nodiscard]] static bucket prefix_bucket(std::uint64_t hash, std::size_t segments) noexcept {
    return segments == 1 ? static_cast<bucket>(ones_begin + hash % ones)
                         : static_cast<bucket>(twos_begin + hash % twos);
  }

  // The hash of a prefix one segment longer; of the empty prefix it is 0.
  [[nodiscard]] static std::uint64_t extend(std::uint64_t prefix_hash, std::string_view segment) noexcept {
    return hash_bytes(segment, prefix_hash);
  }

  [[nodiscard]] static topic_stamp_key key(std::string_view topic, std::uint64_t hash) noexcept {
    segment_reader reader{topic};
    const std::uint64_t one = extend(0, reader.next());
    // A topic of one segment has no second one to look at: any counter will do.
    const std::uint64_t two = reader.done() ? one : extend(one, reader.next());
    return {text_bucket(hash), prefix_bucket(two, 2), prefix_bucket(one, 1)};
  }

  [[nodiscard]] std::uint64_t read(topic_stamp_key key) const noexcept {
    return load(key.text) + load(key.two_segments) + load(key.first_segment) + load(every_topic);
  }

  // One caller at a time: the counter needs no atomic read-modify-write.
  void bump(bucket at) noexcept {
    const std::uint64_t now = counters_[at].load(std::memory_order_relaxed);
    counters_[at].store(now + 1, std::memory_order_release);
  }

 private:
  // Each kind has counters of its own: were they shared, an exact pattern that comes and goes could
  // by chance empty the caches of all topics that begin like some other one.
  static constexpr std::size_t texts = 4096;
  static constexpr std::size_t twos = 2048;
  static constexpr std::size_t ones = 512;
  static constexpr std::size_t texts_begin = 1;
  static constexpr std::size_t twos_begin = texts_begin + texts;
  static constexpr std::size_t ones_begin = twos_begin + twos;

  [[nodiscard]] std::uint64_t load(bucket at) const noexcept {
    return counters_[at].load(std::memory_order_acquire);
  }

  std::array<std::atomic<std::uint64_t>, ones_begin + ones> counters_{};
};

}  // namespace detail
}  // namespace postbus::sdk
