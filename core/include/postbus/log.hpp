// log: what the bus and its plugins have to say, line by line, and where it goes.
//
// Without a sink of the application's, lines go to standard error, as text or JSON ([log] format). A message that repeats is said
// once and then counted: "(and 37 more like it in 5 s)".
#pragma once

#include <chrono>
#include <functional>
#include <string_view>

namespace postbus {

enum class log_level { trace, debug, info, warn, error, off };

// One line; its views are valid during the call.
struct log_line {
  std::chrono::system_clock::time_point time;
  log_level level;
  std::string_view bus;      // the bus's name
  std::string_view module;   // "bus", "admin", or a plugin's id
  std::string_view message;  // UTF-8, without a line end
};

// Called from any thread, one call at a time for one bus, under the log's lock: it must be quick and not call the bus. What it throws is
// swallowed. Levels and bursts are dealt with before it.
using log_sink = std::function<void(const log_line&)>;

}  // namespace postbus
