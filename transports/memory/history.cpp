#include "history.hpp"

#include <algorithm>
#include <charconv>

namespace postbus::memory {

std::uint64_t history::add(const postbus_event& event, sdk::context& ctx) {
  sdk::kept_event kept = ctx.keep(event);
  if (!kept) throw std::bad_alloc();
  past_.push_back(nullptr);
  past_.back() = kept.release();
  bytes_ += event.data.len;
  const std::uint64_t position = forgotten_ + past_.size();
  while (past_.size() > most_.events || bytes_ > most_.bytes) {
    bytes_ -= past_.front()->data.len;
    ctx.release(past_.front());
    past_.pop_front();
    ++forgotten_;
  }
  return position;
}

void history::clear(sdk::context& ctx) noexcept {
  for (const postbus_event* e : past_) ctx.release(e);
  past_.clear();
}

history::start history::find(const postbus_sub& request) const {
  switch (request.from) {
    case POSTBUS_FROM_START:
      return {0, forgotten_};
    case POSTBUS_FROM_POSITION: {
      const std::string_view text = sdk::view(request.position);
      std::uint64_t behind = 0;
      const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), behind);
      if (fault != std::errc() || end != text.data() + text.size() || behind > forgotten_ + past_.size())
        throw sdk::failure(POSTBUS_E_INVALID, "the position '" + std::string(text) +
                                                  "' was never given; the last is " +
                                                  std::to_string(forgotten_ + past_.size()));
      if (behind < forgotten_) return {0, forgotten_ - behind};
      return {static_cast<std::size_t>(behind - forgotten_), 0};
    }
    case POSTBUS_FROM_TIME: {
      const auto first = std::find_if(past_.begin(), past_.end(),
                                      [&](const postbus_event* e) { return e->time_ns >= request.from_ns; });
      return {static_cast<std::size_t>(first - past_.begin()), 0};
    }
    default:
      return {past_.size(), 0};
  }
}

}  // namespace postbus::memory
