#include "health.hpp"

namespace postbus::memory {
namespace {

// Patterns have no control characters; what a group is called is the application's affair.
std::string quoted(std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') out += '\\';
    if (code < 0x20) out.append({'\\', 'u', '0', '0', digits[code >> 4], digits[code & 15]});
    else out += c;
  }
  return out + '"';
}

}  // namespace

std::string health_json(const exchange::figures& now) {
  std::string json = "{\"subscriptions\":" + std::to_string(now.subscriptions) +
                     ",\"groups\":" + std::to_string(now.groups) +
                     ",\"queued_events\":" + std::to_string(now.queued_events) +
                     ",\"queued_bytes\":" + std::to_string(now.queued_bytes);
  if (!now.full.empty()) {
    std::string reason = "the queue of " + now.full.front();
    if (now.full.size() > 1) reason += " and " + std::to_string(now.full.size() - 1) + " more";
    reason += now.full.size() > 1 ? " are full" : " is full";
    json += ",\"state\":\"degraded\",\"reason\":" + quoted(reason) +
            ",\"remedy\":\"look for a subscription that does not keep up, or raise queue_max\"";
  }
  return json + "}";
}

}  // namespace postbus::memory
