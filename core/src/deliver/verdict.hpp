// verdict: how a delivery ended, and what is kept of one that a feature keeps.
#pragma once

#include "engine/runtime.hpp"
#include "publish/telling.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace postbus::detail {

// How a handler, a feature, or the bus itself ended a delivery.
struct verdict {
  enum kind : std::uint8_t { ack, drop, expired, retry, dead, undecodable, release } what = ack;
  std::optional<std::chrono::nanoseconds> after{};  // retry: not before
  std::string reason{};                             // dead: why
};

// An item that a feature set aside before its handler, or whose answer it holds.
struct suspension {
  std::uint32_t at = 0;      // the feature, as ask() counts them
  bool parks = false;        // it left its lane, and gave its credit back
  postbus_verdict answer{};  // what the feature said in the end
  verdict ending;            // how it ended, of one that is told
  telling how;
  runtime::timer_id limit = 0;  // how long its feature may hold that
};

}  // namespace postbus::detail
