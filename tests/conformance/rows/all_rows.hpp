// all_rows: the tables of rows, one for each file beside this one.
#pragma once

#include <postbus/conformance/row.hpp>

#include <array>
#include <span>

namespace postbus::conformance {

std::span<const row> carrying_rows();
std::span<const row> group_rows();
std::span<const row> retry_rows();
std::span<const row> publish_rows();
std::span<const row> overflow_rows();
std::span<const row> unsubscribe_rows();
std::span<const row> close_rows();
std::span<const row> life_rows();
std::span<const row> ordering_rows();
std::span<const row> dead_rows();
std::span<const row> losing_rows();
std::span<const row> settling_rows();
std::span<const row> later_rows();
std::span<const row> replay_rows();
std::span<const row> asking_rows();
std::span<const row> honesty_rows();
std::span<const row> whole_rows();
std::span<const row> dedup_rows();
std::span<const row> steering_rows();
std::span<const row> brake_rows();

inline auto tables_of_rows() {
  return std::array{carrying_rows(),    group_rows(),    retry_rows(), publish_rows(),  overflow_rows(),
                    unsubscribe_rows(), close_rows(),    life_rows(),  ordering_rows(), dead_rows(),
                    losing_rows(),      settling_rows(), later_rows(), replay_rows(),   asking_rows(),
                    honesty_rows(),     whole_rows(),    dedup_rows(), steering_rows(), brake_rows()};
}

}  // namespace postbus::conformance
