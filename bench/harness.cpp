#include "harness.hpp"

#include <time.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <iterator>

namespace postbus::bench {
namespace {

std::int64_t read_clock(clockid_t clock) noexcept {
  timespec t{};
  ::clock_gettime(clock, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

template <class... Values>
std::string format(const char* how, Values... values) {
  std::array<char, 300> line{};
  std::snprintf(line.data(), line.size(), how, values...);
  return line.data();
}

std::string number(double value) {
  return format(value >= 100 || value == 0 ? "%.0f" : value >= 10 ? "%.1f" : "%.2f", value);
}

}  // namespace

std::optional<double> row::ratio() const {
  if (!peer) return {};
  return value / *peer;
}

double row::misses_by() const {
  switch (judged_by) {
    case wanted::ratio_at_most:
      return *ratio() / target - 1;
    case wanted::ratio_at_least:
      return 1 - *ratio() / target;
    case wanted::value_at_most:
      return target == 0 ? value : value / target - 1;
    case wanted::nothing:
      break;
  }
  return 0;
}

bool row::holds() const { return misses_by() <= 0; }

std::string to_json(const row& r) {
  std::string line = format(R"({"id":"%s","value":%.6g,"unit":"%s")", r.id.c_str(), r.value, r.unit.c_str());
  if (r.peer)
    line += format(R"(,"peer":%.6g,"peer_name":"%s","ratio":%.4g)", *r.peer, r.peer_name.c_str(), *r.ratio());
  if (r.judged_by == wanted::nothing) return line + "}";
  const char* judged = r.judged_by == wanted::ratio_at_most    ? "ratio<="
                       : r.judged_by == wanted::ratio_at_least ? "ratio>="
                                                               : "value<=";
  return line +
         format(R"(,"target":%g,"judged":"%s","holds":%s})", r.target, judged, r.holds() ? "true" : "false");
}

std::string to_table(std::span<const row> rows) {
  std::string text = format("%-12s %-58s %10s %10s %-6s %7s %9s  %s\n", "id", "what", "ours", "peer", "unit",
                            "ratio", "target", "");
  for (const row& r : rows) {
    const bool by_value = r.judged_by == wanted::value_at_most;
    const std::string what = r.peer_name.empty() ? r.what : r.what + " / " + r.peer_name;
    const bool judged = r.judged_by != wanted::nothing;
    const std::string target = !judged ? ""
                                       : (r.judged_by == wanted::ratio_at_least ? ">= " : "<= ") +
                                             format("%g", r.target) + (by_value ? "" : " x");
    const std::string verdict = !judged     ? ""
                                : r.holds() ? "holds"
                                : by_value && r.target == 0
                                    ? "misses"
                                    : format("misses by %.0f %%", 100 * r.misses_by());
    text += format("%-12s %-58s %10s %10s %-6s %7s %9s  %s\n", r.id.c_str(), what.c_str(),
                   number(r.value).c_str(), r.peer ? number(*r.peer).c_str() : "", r.unit.c_str(),
                   r.ratio() ? number(*r.ratio()).c_str() : "", target.c_str(), verdict.c_str());
  }
  return text;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::vector<double> take_turns(int rounds, std::initializer_list<std::function<double()>> contestants) {
  std::vector<std::vector<double>> results(contestants.size());
  for (const auto& contestant : contestants) contestant();
  for (int round = 0; round < rounds; ++round) {
    auto result = results.begin();
    for (const auto& contestant : contestants) (result++)->push_back(contestant());
  }
  std::vector<double> medians;
  std::transform(results.begin(), results.end(), std::back_inserter(medians), median);
  return medians;
}

std::int64_t thread_ns() noexcept { return read_clock(CLOCK_THREAD_CPUTIME_ID); }
std::int64_t process_ns() noexcept { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }
std::int64_t now_ns() noexcept { return read_clock(CLOCK_MONOTONIC); }

void broken(std::string_view what) {
  std::fprintf(stderr, "postbus_bench: %.*s\n", static_cast<int>(what.size()), what.data());
  std::_Exit(1);
}

}  // namespace postbus::bench
