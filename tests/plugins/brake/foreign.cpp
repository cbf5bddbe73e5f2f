// A foreign program: it writes and erases keys of the store, and knows nothing of the brake.
#define POSTBUS_MODULE foreign_program
#define POSTBUS_PLUGIN_MANIFEST                                                           \
  R"({"id": "foreign", "version": "1.0.0", "abi": 1, "provides": ["postbus.control/1"],)" \
  R"( "methods": ["set", "erase", "field", "get"], "requires": ["postbus.store/1"]})"
#include <postbus/sdk/plugin.hpp>
#include <postbus/sdk/store_client.hpp>

#include <boost/json.hpp>

namespace {

namespace sdk = postbus::sdk;

class foreign {
 public:
  explicit foreign(sdk::context& ctx) : store_(ctx) {}
  // {"key", "field", "value"}: what the method needs of it.
  void call(std::string_view method, std::string_view text, sdk::completion<std::string_view>&& done) {
    const boost::json::value v = boost::json::parse(text);
    const auto at = [&](std::string_view name) {
      const auto* found = v.as_object().if_contains(name);
      return found != nullptr ? std::string(found->as_string()) : std::string();
    };
    sdk::store_ops ops;
    if (method == "set") ops.set(at("key"), at("value"));
    else if (method == "erase") ops.erase(at("key"));
    else if (method == "field") ops.hash_set(at("key"), at("field"), at("value"));
    else ops.get(at("key"), at("field"));
    store_.execute(std::move(ops), [done = std::move(done)](const sdk::store_answer& a) mutable {
      done.ok(boost::json::serialize(boost::json::value(a[0].value())));
    });
  }

 private:
  sdk::store_client store_;
};

}  // namespace

POSTBUS_PLUGINS(POSTBUS_PLUGIN("foreign", foreign))
