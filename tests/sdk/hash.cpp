// The string hash: what tables need of it.
#include "../support/catch.hpp"

#include <postbus/sdk/hash.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

using postbus::sdk::hash_bytes;

TEST_CASE("equal bytes hash alike wherever they lie, and nothing beside them counts", "[hash]") {
  for (std::size_t size = 0; size <= 300; ++size) {
    const std::string text(size, 'x');
    const std::vector<char> exact(text.begin(), text.end());  // a sanitizer sees a byte too far
    const std::string shifted = "ab" + text + "cd";
    REQUIRE(hash_bytes(text) == hash_bytes({exact.data(), size}));
    REQUIRE(hash_bytes(text) == hash_bytes(std::string_view(shifted).substr(2, size)));
  }
}

TEST_CASE("length, seed and every byte count", "[hash]") {
  std::unordered_set<std::uint64_t> seen;
  std::size_t hashes = 0;
  for (std::size_t size = 0; size <= 80; ++size) {
    for (const char fill : {'\0', 'x'}) {
      std::string text(size, fill);
      if (size > 0 || fill == 'x') {
        seen.insert(hash_bytes(text));
        seen.insert(hash_bytes(text, 1));
        hashes += 2;
      }
      for (char& c : text) {
        c ^= 1;
        seen.insert(hash_bytes(text));
        ++hashes;
        c ^= 1;
      }
    }
  }
  CHECK(seen.size() == hashes);
}

TEST_CASE("topics that differ in a number spread evenly over both ends of the hash", "[hash]") {
  constexpr std::size_t n = 200'000;
  constexpr std::size_t buckets = 4'096;
  std::vector<double> low(buckets);
  std::vector<double> high(buckets);
  std::unordered_set<std::uint64_t> seen;
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint64_t hash = hash_bytes("agent:status:" + std::to_string(i));
    ++low[hash % buckets];
    ++high[hash >> 52];
    seen.insert(hash);
  }
  CHECK(seen.size() == n);
  // Chi squared of a fair spread: 4,095 give or take 90; six times that is beyond chance.
  for (const auto* counts : {&low, &high}) {
    double chi_squared = 0;
    constexpr double wanted = double{n} / buckets;
    for (const double count : *counts) chi_squared += (count - wanted) * (count - wanted) / wanted;
    CHECK(std::abs(chi_squared - buckets) < 6 * 90);
  }
}

TEST_CASE("one input bit changes about half of the hash", "[hash]") {
  for (const std::size_t size : {1U, 3U, 4U, 7U, 8U, 13U, 16U, 17U, 30U, 33U, 64U}) {
    int flipped = 0;
    int fewest = 64;
    for (std::size_t bit = 0; bit < size * 8; ++bit) {
      std::string text(size, 'k');
      const std::uint64_t before = hash_bytes(text);
      text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << (bit % 8)));
      const int change = std::popcount(before ^ hash_bytes(text));
      flipped += change;
      fewest = std::min(fewest, change);
    }
    CAPTURE(size);
    const double mean = flipped / static_cast<double>(size * 8);
    CHECK(mean > 26);
    CHECK(mean < 38);
    CHECK(fewest >= 10);
  }
}
