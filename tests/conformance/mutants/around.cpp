// mutant-around: what stands around a transport and over a store, and breaks a promise each: a wrapper that passes on only the first event
// of a batch, and a feature whose start is never answered where the store fails.
#include <postbus/sdk/plugin.hpp>
#include <postbus/sdk/store_client.hpp>
#include <postbus/sdk/wrapper.hpp>

#include <vector>

namespace mutant {
namespace {

namespace sdk = postbus::sdk;

class wrapper : public sdk::transport_wrapper {
 public:
  using transport_wrapper::transport_wrapper;
  void publish(std::span<const postbus_out> events, sdk::publish_completion&& done) {
    transport_wrapper::publish(events.first(std::min<std::size_t>(events.size(), 1)), std::move(done));
  }
};

class feature {
 public:
  explicit feature(sdk::context& ctx) : store_(ctx) {}

  void start(sdk::completion<>&& done) {
    starting_.push_back(std::move(done));
    sdk::store_ops ops;
    ops.check("mutant");
    store_.execute(std::move(ops), [this](const sdk::store_answer& a) {
      if (a.ok()) starting_.front().ok();
    });
  }
  void stop(sdk::completion<>&& done) {
    starting_.clear();
    done.ok();
  }
  sdk::verdict on_publish(sdk::item&) { return sdk::verdict::pass; }

 private:
  sdk::store_client store_;
  std::vector<sdk::completion<>> starting_;
};

}  // namespace
}  // namespace mutant

POSTBUS_PLUGINS(POSTBUS_PLUGIN("mutant-wrapper", mutant::wrapper),
                POSTBUS_PLUGIN("mutant-feature", mutant::feature))
