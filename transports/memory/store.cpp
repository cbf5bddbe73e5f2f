#include "store.hpp"

namespace postbus::memory {

std::shared_ptr<store> store::find(std::string_view name, store_limits most) {
  if (name.empty()) return std::make_shared<store>(most);
  static std::mutex mutex;
  static std::map<std::string, std::weak_ptr<store>, std::less<>> named;
  const std::lock_guard lock(mutex);
  auto& place = named[std::string(name)];
  auto found = place.lock();
  if (found == nullptr) place = found = std::make_shared<store>(most);
  return found;
}

std::string health_json(const store::figures& now, std::size_t watches, const store_limits& most) {
  std::string json = "{\"keys\":" + std::to_string(now.keys) + ",\"bytes\":" + std::to_string(now.bytes) +
                     ",\"watches\":" + std::to_string(watches);
  if (now.keys >= most.keys_max || now.bytes >= most.bytes_max) {
    const bool keys = now.keys >= most.keys_max;
    json += ",\"state\":\"degraded\",\"reason\":\"the store is full: it holds " +
            std::to_string(keys ? now.keys : now.bytes) + (keys ? " keys" : " bytes") +
            "\",\"remedy\":\"look for keys that nobody erases, or raise " +
            (keys ? "keys_max" : "bytes_max") + "\"";
  }
  return json + "}";
}

}  // namespace postbus::memory
