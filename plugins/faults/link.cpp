#include "link.hpp"

namespace postbus::faults {

bool link::is_down_now() {
  if (down_) return true;
  if (!plan_.strikes(fault::disconnect)) return false;
  if (down_.exchange(true)) return true;
  since_ns_ = ctx_.wall_ns();
  ctx_.unwell(POSTBUS_UNHEALTHY, "the link is down, as it was told to be", "wait, or set disconnect to 0");
  try {
    ctx_.timer(plan_.length(fault::disconnect), [this] { come_back(); });
  } catch (...) {  // no memory for the timer: nothing would bring it back
    down_ = false;
    throw;
  }
  return true;
}

void link::come_back() {
  const std::int64_t since = since_ns_;
  down_ = false;
  ctx_.healthy();
  back_(since);
}

// What the wrapped plugin answers or delivers may come while this one is being stopped, and after: it must not count as owed then.
bool link::enter() noexcept {
  const std::lock_guard lock(mutex_);
  if (!stopped_) ctx_.owed().retain();
  return !stopped_;
}

void link::stop() noexcept {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
}

}  // namespace postbus::faults
