// shout: appends a mark to the data of each event.
#include <postbus/sdk/plugin.hpp>

#include <string>

namespace {

namespace sdk = postbus::sdk;

class shout {
 public:
  explicit shout(sdk::context& ctx) : ctx_(ctx), mark_(ctx.text("mark")) {}
  sdk::verdict on_publish(sdk::item& item) {
    const std::string louder = std::string(item.data()).append(mark_);
    postbus_event fields = item.event();
    fields.data = sdk::bytes(louder);
    return item.replace(ctx_.make(fields));
  }

 private:
  sdk::context& ctx_;
  std::string_view mark_;
};

}  // namespace

POSTBUS_PLUGINS(POSTBUS_PLUGIN("shout", shout))
