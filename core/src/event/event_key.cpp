#include "event_key.hpp"

#include "event_record.hpp"

#include <postbus/sdk/topic.hpp>

namespace postbus::detail {
namespace {

std::string_view value_of(const key_part& part, const postbus_event& event,
                          std::span<const std::string> patterns) {
  switch (part.what) {
    case key_part::literal:
      return part.text;
    case key_part::id:
      event_record::of(&event).fill();
      return sdk::view(event.id);
    case key_part::partitionkey:
      return sdk::view(event.key);
    case key_part::header:
      return sdk::header(event, part.text).value_or("");
    case key_part::param: {
      std::string_view found;
      for (const std::string& pattern : patterns)
        if (sdk::captures(pattern, sdk::view(event.topic), [&](std::string_view name, std::string_view v) {
              if (name == part.text) found = v;
            }))
          break;
      return found;
    }
  }
  return {};
}

}  // namespace

std::string_view key_of(const key_expression& key, const postbus_event& event,
                        std::span<const std::string> patterns, std::string& buffer) {
  if (key.parts.empty()) return {};
  if (key.parts.size() == 1) return value_of(key.parts.front(), event, patterns);
  buffer.clear();
  for (const key_part& part : key.parts) buffer.append(value_of(part, event, patterns));
  return buffer;
}

}  // namespace postbus::detail
