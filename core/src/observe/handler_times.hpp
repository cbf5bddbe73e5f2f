// handler_times: how long the handlers of one pattern and group take, and their events from publish on. Sampled: stopwatch runs only for
// an event that was marked when it was published or decoded.
#pragma once

#include "engine/runtime.hpp"
#include "event/event_record.hpp"
#include "histogram.hpp"

#include <memory>
#include <string_view>

namespace postbus::detail {

struct handler_times {
  histogram handler, end_to_end;
};

class subscription_state;

class stopwatch {
 public:
  stopwatch(subscription_state& s, sampling what, const postbus_event* event) noexcept {
    if (what != sampling::none) [[unlikely]]
      start(s, what, event);
  }
  stopwatch(const stopwatch&) = delete;
  stopwatch& operator=(const stopwatch&) = delete;
  ~stopwatch() { stop(); }
  // When the handler returned; what comes later does not count.
  void stop() noexcept {
    if (times_ != nullptr) [[unlikely]]
      finish();
  }

 private:
  void start(subscription_state& s, sampling what, const postbus_event* event) noexcept;
  void finish() noexcept;

  handler_times* times_ = nullptr;
  runtime* rt_;
  std::int64_t begun_ns_, published_ns_;  // 0: when is not known
};

}  // namespace postbus::detail
