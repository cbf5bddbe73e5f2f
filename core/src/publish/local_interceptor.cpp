#include "local_interceptor.hpp"

#include <postbus/sdk/abi.hpp>

#include <vector>

namespace postbus {
namespace {

thread_local std::vector<std::string> reasons;

}  // namespace

struct interception::state {
  postbus_item& item;
  postbus::stage at;
  detail::id_source& ids;
  std::vector<std::string>& said;
  detail::event_record* replacement = nullptr;

  // What it goes on as: the event, or what replaced it.
  const postbus_event& event() const noexcept { return replacement != nullptr ? *replacement : *item.event; }
};

std::string_view local_interceptor::reason(std::size_t index) noexcept { return reasons[index]; }

void local_interceptor::on_batch(void* self, std::uint32_t stage, postbus_item* items,
                                 std::size_t n) noexcept {
  auto& me = *static_cast<local_interceptor*>(self);
  std::vector<std::string> said;  // its own: the function may publish, and so end up here again
  for (std::size_t i = 0; i < n; ++i) {
    interception::state state{items[i], static_cast<postbus::stage>(stage), me.ids_, said};
    interception seen(state);
    try {
      me.feature_.run(seen);
    } catch (...) {
      items[i].verdict = POSTBUS_FAIL;
    }
    const bool goes_on = items[i].verdict == POSTBUS_PASS && state.replacement != nullptr;
    if (goes_on) {
      items[i].verdict = POSTBUS_REPLACE;
      items[i].replacement = state.replacement;
    } else if (state.replacement != nullptr) {
      state.replacement->release();
    }
  }
  if (!said.empty()) reasons = std::move(said);
}

postbus::stage interception::stage() const noexcept { return state_.at; }
std::string_view interception::topic() const noexcept { return sdk::view(state_.event().topic); }
std::string_view interception::id() const noexcept {
  detail::event_record::of(&state_.event()).fill();
  return sdk::view(state_.event().id);
}
std::string_view interception::source() const noexcept { return sdk::view(state_.event().source); }
std::string_view interception::content_type() const noexcept {
  return sdk::view(state_.event().content_type);
}
bytes_view interception::data() const noexcept { return {state_.event().data.ptr, state_.event().data.len}; }
std::optional<std::string_view> interception::header(std::string_view name) const noexcept {
  return sdk::header(state_.event(), name);
}
std::string_view interception::key() const noexcept { return sdk::view(state_.item.key); }
unsigned interception::attempt() const noexcept {
  return state_.at == stage::publish ? 0 : state_.item.attempt + 1;
}

void interception::drop() noexcept { state_.item.verdict = POSTBUS_DROP; }

void interception::reject(std::string_view why) {
  state_.item.reason = static_cast<std::uint32_t>(state_.said.size());
  state_.said.emplace_back(why);
  state_.item.verdict = POSTBUS_REJECT;
}

void interception::replace(std::string_view topic, bytes_view data) {
  detail::event_record::of(state_.item.event).fill();
  postbus_event fields = state_.event();
  fields.size = sizeof fields;
  fields.topic = sdk::str(topic);
  fields.data = {reinterpret_cast<const std::uint8_t*>(data.data()), data.size()};
  detail::event_record* made = detail::new_event(fields, nullptr, state_.ids);
  if (state_.replacement != nullptr) state_.replacement->release();
  state_.replacement = made;
  state_.item.verdict = POSTBUS_PASS;
}

}  // namespace postbus
