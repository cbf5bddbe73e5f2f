// suite: the rows that a transport must pass whatever it is, and running them.
//
//   const suite over(config().transport("./libmine.so"));
//   for (const row& r : rows()) show(r, over.run(r));
//
// A row is skipped only because the transport declares that it has not what the row needs; what the bus supplies in its place counts as
// there. A row that looks at a feature is played where the configuration names the feature in bus.features. Nothing here knows a test framework: `postbus check` and the tests of the transports of this tree are both made of it.
#pragma once

#include <postbus/config.hpp>
#include <postbus/conformance/row.hpp>
#include <postbus/inspect.hpp>

#include <span>
#include <vector>

namespace postbus::conformance {

// All of them, in the order of their numbers.
std::span<const row> rows();

class suite {
 public:
  // `transport`: a configuration whose default transport is the one to look at; the rows add settings of their own. No code of the
  // plugin runs yet. Where it names no store and memory-store is on its path, that one is used, so that dead letters are looked at.
  // `patience`: how long a row waits in real time for what should come; who knows that it will not come takes less. Throws error:
  // bad_config, bad_plugin, unsupported.
  explicit suite(config transport, std::chrono::nanoseconds patience = std::chrono::seconds(10));

  // Whether there can be a bus at all: without one no row says anything.
  result can_be_made() const;
  // Plays one row on buses of its own, in this process and on this thread; what it throws is a failure. Each row takes some
  // milliseconds to some seconds, and ends by itself within a few minutes even if the transport answers nothing.
  result run(const row& r) const;

  const std::vector<capability_info>& capabilities() const noexcept { return capabilities_; }
  // Why a row would be skipped; empty: it would not.
  std::string why_skipped(const row& r) const;

 private:
  config transport_;
  std::chrono::nanoseconds patience_;
  std::vector<capability_info> capabilities_;
  std::vector<std::string> features_;  // the ids of the plugins that the configuration names
};

// What came of a capability: the worst of the rows that need it.
struct capability_verdict {
  std::string capability;
  conformance::verdict verdict = conformance::verdict::skipped;
  std::string remark;  // "declared absent", "no row looks at it yet", "2 rows"
};
// `results[i]` is that of `played[i]`.
std::vector<capability_verdict> verdicts_of(const suite& s, std::span<const row> played,
                                            std::span<const result> results);

}  // namespace postbus::conformance
