#include "rows/all_rows.hpp"

#include <postbus/conformance/scene.hpp>
#include <postbus/conformance/suite.hpp>

#include <algorithm>

namespace postbus::conformance {
namespace {

// A capability may be listed a second time, for a part of it that is not there yet.
bool is_supplied(const std::vector<capability_info>& all, std::string_view capability) {
  return std::any_of(all.begin(), all.end(), [&](const capability_info& c) {
    return c.transport == "default" && c.capability == capability &&
           c.supplied != capability_info::how::refused;
  });
}

// A plugin with threads or a clock of its own is refused under a manual clock, and nothing else says so before it runs.
bool can_virtual_time(const config& transport) {
  testing::manual_clock clock;
  try {
    bus b(config(transport).clock(clock));
    return true;
  } catch (const error& e) {
    if (e.code() == error::unsupported) return false;
    throw;
  }
}

config with_store(config c) {
  if (!is_supplied(explain_capabilities(c), "dead letters"))
    for (const plugin_info& p : list_plugins(c))
      if (p.id == "memory-store" && p.problem.empty()) return c.set("store.plugin", "\"memory-store\"");
  return c;
}

std::vector<std::string> features_of(const config& c) {
  std::vector<std::string> ids;
  for (plugin_info& p : list_plugins(c))
    if (p.used && p.problem.empty()) ids.push_back(std::move(p.id));
  return ids;
}

void play(const row& r, scene& s, result& to) {
  try {
    r.run(s);
  } catch (const row_over&) {
  } catch (const row_skipped& skipped) {
    if (s.failures().empty()) to = {verdict::skipped, {skipped.why}, {}};
  } catch (const std::exception& e) {
    s.fail(std::string("expected that the row comes to its end; it was ended by: ") + e.what());
  }
}

}  // namespace

bool needs(const row& r, std::string_view capability) noexcept {
  return std::any_of(r.needs.begin(), r.needs.end(),
                     [&](const char* name) { return name != nullptr && name == capability; });
}

std::span<const row> rows() {
  static const std::vector<row> all = [] {
    std::vector<row> list;
    for (const auto& table : tables_of_rows()) list.insert(list.end(), table.begin(), table.end());
    std::stable_sort(list.begin(), list.end(),
                     [](const row& a, const row& b) { return a.number < b.number; });
    return list;
  }();
  return all;
}

suite::suite(config transport, std::chrono::nanoseconds patience)
    : transport_(with_store(std::move(transport))),
      patience_(patience),
      capabilities_(explain_capabilities(transport_)),
      features_(features_of(transport_)) {}

std::string suite::why_skipped(const row& r) const {
  for (const capability_info& c : capabilities_)
    if (c.transport == "default" && needs(r, c.capability) && !is_supplied(capabilities_, c.capability))
      return "the transport declares that it has no " + c.capability + ": " + c.remark;
  if (r.feature != nullptr && std::find(features_.begin(), features_.end(), r.feature) == features_.end())
    return "the configuration has no feature '" + std::string(r.feature) + "': name it in bus.features";
  return "";
}

result suite::can_be_made() const {
  try {
    bus b(transport_);
    b.close();
    return {};
  } catch (const std::exception& e) {
    return {verdict::failed, {std::string("expected a bus on the transport; saw: ") + e.what()}, {}};
  }
}

result suite::run(const row& r) const {
  const auto begin = std::chrono::steady_clock::now();
  result got;
  if (const std::string why = why_skipped(r); !why.empty()) {
    got = {verdict::skipped, {why}, {}};
  } else {
    try {
      scene s(transport_, r.time == timing::either && can_virtual_time(transport_), patience_);
      play(r, s, got);
      if (!s.failures().empty()) got = {verdict::failed, s.failures(), {}};
    } catch (const std::exception& e) {
      got = {verdict::failed, {std::string("expected a bus on the transport; saw: ") + e.what()}, {}};
    }
  }
  got.took = std::chrono::steady_clock::now() - begin;
  return got;
}

std::vector<capability_verdict> verdicts_of(const suite& s, std::span<const row> played,
                                            std::span<const result> results) {
  std::vector<capability_verdict> all;
  for (const capability_info& c : s.capabilities()) {
    if (c.transport != "default") continue;
    capability_verdict v{c.capability, verdict::skipped, "no row that was played looks at it"};
    std::size_t passed = 0, failed = 0;
    for (std::size_t i = 0; i < played.size(); ++i) {
      if (!needs(played[i], c.capability)) continue;
      passed += results[i].verdict == verdict::passed;
      failed += results[i].verdict == verdict::failed;
    }
    if (!is_supplied(s.capabilities(), c.capability)) {
      v.remark = "declared absent: " + c.remark;
    } else if (passed + failed > 0) {
      v.verdict = failed > 0 ? verdict::failed : verdict::passed;
      v.remark = std::to_string(passed) + " of " + std::to_string(passed + failed) + " rows passed";
    }
    all.push_back(std::move(v));
  }
  return all;
}

}  // namespace postbus::conformance
