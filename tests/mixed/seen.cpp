// Writes into each event who saw it, and how many it saw before: "> libc++ 7" at publish, "< libc++ 7" at deliver.
#include <postbus/sdk/plugin.hpp>

#include <atomic>
#include <stdexcept>
#include <string>

#if defined(_LIBCPP_VERSION) && defined(__clang__)
#define NAME "libc++"
#elif defined(__GLIBCXX__) && !defined(__clang__)
#define NAME "libstdc++"
#else
#error "this tool chain is not one of those that are tested"
#endif

namespace {

namespace sdk = postbus::sdk;

class seen {
 public:
  explicit seen(sdk::context& ctx) : ctx_(ctx) {}
  sdk::verdict on_publish(sdk::item& item) {
    if (item.data() == "throw in " NAME) throw std::runtime_error("thrown in " NAME);
    return note(item, " > ", ++published_);
  }
  sdk::verdict on_deliver(sdk::item& item) { return note(item, " < ", ++delivered_); }

 private:
  sdk::verdict note(sdk::item& item, const char* sign, int number) {
    const std::string data = std::string(item.data()) + sign + NAME " " + std::to_string(number);
    postbus_event fields = item.event();
    fields.data = sdk::bytes(data);
    return item.replace(ctx_.make(fields));
  }

  sdk::context& ctx_;
  std::atomic<int> published_ = 0, delivered_ = 0;
};

}  // namespace

POSTBUS_PLUGINS(POSTBUS_PLUGIN(ID, seen))
