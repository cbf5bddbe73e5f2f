#include "letter.hpp"

#include "event/timestamp.hpp"

#include <algorithm>
#include <vector>

namespace postbus::detail {
namespace {

constexpr std::size_t error_max = 1'024;  // bytes of what is said about it

bool is_ours(std::string_view name) noexcept {
  constexpr std::string_view names[] = {"deadreason",     "deaderror",     "deadtopic", "deadgroup",
                                        "deaddeliveries", "deadfirsttime", "deadtime",  requeuedto_header};
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

std::string time_text(std::int64_t ns) {
  std::string text;
  append_timestamp(text, ns);
  return text;
}

// The event with other headers of ours.
event_record* with_headers(const postbus_event& event, std::initializer_list<postbus_pair> ours,
                           id_source& ids) {
  std::vector<postbus_pair> headers;
  for (const postbus_pair& p : std::span{event.headers, event.header_count})
    if (!is_ours(sdk::view(p.name))) headers.push_back(p);
  for (const postbus_pair& p : ours)
    if (p.value.len != 0) headers.push_back(p);
  postbus_event fields = event;
  fields.size = sizeof fields;
  fields.headers = headers.data();
  fields.header_count = headers.size();
  return new_event(fields, nullptr, ids);
}

}  // namespace

event_record* make_letter(const postbus_event& event, const obituary& what, id_source& ids) {
  event_record::of(&event).fill();
  const std::string deliveries = std::to_string(what.deliveries),
                    first = time_text(what.first_ns != 0 ? what.first_ns : what.now_ns),
                    now = time_text(what.now_ns);
  return with_headers(event,
                      {{sdk::str("deadreason"), sdk::str(what.reason)},
                       {sdk::str("deaderror"), sdk::str(what.error.substr(0, error_max))},
                       {sdk::str("deadtopic"), sdk::str(what.topic)},
                       {sdk::str("deadgroup"), sdk::str(what.group)},
                       {sdk::str("deaddeliveries"), sdk::str(deliveries)},
                       {sdk::str("deadfirsttime"), sdk::str(first)},
                       {sdk::str("deadtime"), sdk::str(now)}},
                      ids);
}

// Its ttl was over long ago, or will be soon: who sends it back wants it delivered.
event_record* make_requeued(const postbus_event& letter, std::string_view box, id_source& ids) {
  postbus_event fields = letter;
  fields.expires_ns = 0;
  return with_headers(fields, {{sdk::str(requeuedto_header), sdk::str(box)}}, ids);
}

std::string entry_of(const postbus_event& event) {
  return std::string(sdk::view(event.source)) + "/" + std::string(sdk::view(event.id));
}

}  // namespace postbus::detail
