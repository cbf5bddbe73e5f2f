// my-feature: looks at every event that is published and refuses those that hold a word.
//
// The host has read plugin.json: `word` is there and fits the schema, whatever was configured.
#include <postbus/sdk/plugin.hpp>

#include <string>

namespace {

namespace sdk = postbus::sdk;

class my_feature {
 public:
  explicit my_feature(sdk::context& ctx) : word_(ctx.text("word")) {}

  // Called from many threads at once, for each event: it must not block.
  sdk::verdict on_publish(sdk::item& item) {
    if (item.data().find(word_) == item.data().npos) return sdk::verdict::pass;
    return item.reject(0);  // the first of the "reasons" in plugin.json
  }

 private:
  std::string word_;
};

}  // namespace

POSTBUS_PLUGINS(POSTBUS_PLUGIN("my-feature", my_feature))
