#include "event_key.hpp"

#include "event_record.hpp"
#include "text/json.hpp"

#include <postbus/sdk/topic.hpp>

#include <boost/json/monotonic_resource.hpp>
#include <sha2.h>

#include <array>

namespace postbus::detail {
namespace {

// 32 hex digits: half of a SHA-256 is enough that nobody finds two texts with the same.
std::string hash_of(std::string_view data) {
  std::array<char, SHA256_DIGEST_STRING_LENGTH> digits{};
  ::SHA256Data(reinterpret_cast<const std::uint8_t*>(data.data()), data.size(), digits.data());
  return {digits.data(), 32};
}

// A string as it is, anything else as JSON; empty where there is no such value, or null, or the data is no JSON.
std::string value_at(std::string_view data, std::string_view pointer) {
  boost::system::error_code ec;
  json::monotonic_resource memory;
  const json::value whole = json::parse(data, ec, &memory);
  if (ec) return {};
  const json::value* found = whole.find_pointer(pointer, ec);
  if (found == nullptr || found->is_null()) return {};
  return found->is_string() ? std::string(found->get_string()) : json::serialize(*found);
}

// The result lies in the event, the part, or `made`.
std::string_view value_of(const key_part& part, const postbus_event& event,
                          std::span<const std::string> patterns, std::string& made) {
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
    case key_part::hash:
      return made = hash_of(sdk::view(event.data));
    case key_part::json:
      return made = value_at(sdk::view(event.data), part.text);
  }
  return {};
}

}  // namespace

std::string_view key_of(const key_expression& key, const postbus_event& event,
                        std::span<const std::string> patterns, std::string& buffer) {
  if (key.parts.empty()) return {};
  if (key.parts.size() == 1) return value_of(key.parts.front(), event, patterns, buffer);
  std::string made;
  buffer.clear();
  for (const key_part& part : key.parts) buffer.append(value_of(part, event, patterns, made));
  return buffer;
}

}  // namespace postbus::detail
