// answers_twice: a plugin whose publishes are answered twice. The C++ face sees to it that a completion answers once, so this is done
// behind its back: between its table and the host.
#pragma once

#include <postbus/sdk/plugin.hpp>

#include <cstring>
#include <memory>

namespace mutant {

namespace sdk = postbus::sdk;

template <class Transport>
struct twice {
  static inline const postbus_plugin* plugin = nullptr;
  static inline postbus_plugin table{};
  static inline const postbus_transport* transport = nullptr;
  static inline postbus_transport transport_table{};

  static void publish(void* self, const postbus_out* out, std::size_t n, postbus_done done) {
    const auto both = [](void* ctx, std::int32_t status, const void* result, const postbus_error* err) {
      const std::unique_ptr<postbus_done> one(static_cast<postbus_done*>(ctx));
      for (int i = 0; i < 2; ++i) one->fn(one->ctx, status, result, err);
    };
    transport->publish(self, out, n, {both, new postbus_done(done)});
  }
  static const void* interface(void* self, const char* id) {
    const void* found = plugin->interface(self, id);
    if (found == nullptr || std::strcmp(id, "postbus.transport/1") != 0) return found;
    transport = static_cast<const postbus_transport*>(found);
    transport_table = *transport;
    transport_table.publish = publish;
    return &transport_table;
  }
  static std::int32_t create(const postbus_host* host, postbus_str config, const postbus_plugin** to,
                             void** self, postbus_error* err) {
    const std::int32_t status = sdk::describe<Transport>("").create(host, config, &plugin, self, err);
    if (status != POSTBUS_OK) return status;
    table = *plugin;
    table.interface = interface;
    *to = &table;
    return status;
  }
};

template <class Transport>
constexpr postbus_plugin_desc answering_twice(const char* id) {
  return {sizeof(postbus_plugin_desc), 0, id, twice<Transport>::create};
}

}  // namespace mutant
