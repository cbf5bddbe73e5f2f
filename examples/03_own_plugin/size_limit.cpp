// size-limit: a feature in C++. The host has read plugin.json, so `max` is there and is a number of bytes, whatever was configured.
#include <postbus/sdk/plugin.hpp>

#include <utility>

namespace {

namespace sdk = postbus::sdk;

class size_limit {
 public:
  explicit size_limit(sdk::context& ctx) : max_(ctx.integer("max")) {}

  sdk::verdict on_publish(sdk::item& item) {
    if (std::cmp_less_equal(item.data().size(), max_)) return sdk::verdict::pass;
    return item.reject(0);  // the first of the "reasons" in plugin.json
  }

 private:
  std::int64_t max_;
};

}  // namespace

POSTBUS_PLUGINS(POSTBUS_PLUGIN("size-limit", size_limit))
