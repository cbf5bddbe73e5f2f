// matchers: a recorder's words for Catch2, version 2.13 or 3. A failed one prints all that was recorded.
//
//   CHECK_THAT(r, published("jobs:*"));                       // at least one
//   CHECK_THAT(r, delivered("jobs:tea", 2));                  // exactly two handlers started
//   CHECK_THAT(r, settled("jobs:tea", recorder::retried) && !settled("jobs:tea", recorder::rejected));
#pragma once

#include <postbus/testing/recorder.hpp>

#if __has_include(<catch2/matchers/catch_matchers.hpp>)
#include <catch2/catch_tostring.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include <functional>
#include <optional>

namespace postbus::testing {

#if __has_include(<catch2/matchers/catch_matchers.hpp>)
using recorder_matcher_base = Catch::Matchers::MatcherBase<recorder>;
#else
using recorder_matcher_base = Catch::MatcherBase<recorder>;
#endif

// How many a recorder has of something: exactly so many, or without a number at least one.
class recorder_matcher final : public recorder_matcher_base {
 public:
  recorder_matcher(std::string words, std::optional<std::size_t> times,
                   std::function<std::size_t(const recorder&)> count)
      : words_(std::move(words)), times_(times), count_(std::move(count)) {}

  bool match(const recorder& r) const override {
    const std::size_t n = count_(r);
    return times_ ? n == *times_ : n > 0;
  }
  std::string describe() const override {
    return words_ + (times_ ? " " + std::to_string(*times_) + " times" : " at least once");
  }

 private:
  std::string words_;
  std::optional<std::size_t> times_;
  std::function<std::size_t(const recorder&)> count_;
};

inline recorder_matcher published(std::string pattern, std::optional<std::size_t> times = {}) {
  std::string words = "published '" + pattern + "'";
  return {std::move(words), times,
          [p = std::move(pattern)](const recorder& r) { return r.published(p).size(); }};
}
inline recorder_matcher delivered(std::string pattern, std::optional<std::size_t> times = {}) {
  std::string words = "delivered '" + pattern + "'";
  return {std::move(words), times,
          [p = std::move(pattern)](const recorder& r) { return r.delivered(p).size(); }};
}
inline recorder_matcher settled(std::string pattern, recorder::ending how,
                                std::optional<std::size_t> times = {}) {
  std::string words = "settled '" + pattern + "' as " + std::string(recorder::ending_names[how]);
  return {std::move(words), times,
          [p = std::move(pattern), how](const recorder& r) { return r.settled(p, how).size(); }};
}

}  // namespace postbus::testing

template <>
struct Catch::StringMaker<postbus::testing::recorder> {
  static std::string convert(const postbus::testing::recorder& r) { return r.text(); }
};
