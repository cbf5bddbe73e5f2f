// The life of a plugin, on hosts that are not as one would like them.
#include "driver.hpp"
#include "tables.hpp"

#include <cstddef>
#include <cstring>
#include <memory>

namespace postbus::conformance {
namespace {

void rounds(const library_under_test& l, findings& f) {
  for_each_plugin(l, [&](const plugin_info& p) {
    for (int i = 0; i < 100 && f.sentences().empty(); ++i) {
      driver d(l, p, f);
      d.start_up();
      d.shut_down();
      f.expect(d.events().held == 0, "expected that '" + p.id +
                                         "' holds no event when it is destroyed; it holds " +
                                         std::to_string(d.events().held));
    }
  });
}

// What create() makes of a host and a configuration: success, or an error that says why.
void create_and_destroy(const postbus_plugin_desc& desc, const postbus_host* host, std::string_view config,
                        const std::string& under, findings& f) {
  const postbus_plugin* table = nullptr;
  void* self = nullptr;
  postbus_error error{};
  error.size = sizeof error;
  const std::int32_t status = desc.create(host, sdk::str(config), &table, &self, &error);
  const std::string lead = std::string("expected of '") + desc.id + "' " + under + " ";
  if (status != POSTBUS_OK) {
    f.expect(error.code == status, lead + "an error with the status " + std::to_string(status) +
                                       " that was returned; its code is " + std::to_string(error.code));
    f.expect(error.message[0] != '\0' && std::memchr(error.message, '\0', sizeof error.message) != nullptr,
             lead + "an error with a message; it has none");
    return;
  }
  if (table == nullptr || !POSTBUS_CAN(table, stop) || !POSTBUS_CAN(table, destroy))
    return f.add(lead + "a table with stop and destroy; there is none");
  if (POSTBUS_CAN(table, interface))
    f.expect(table->interface(self, "postbus.nothing/1") == nullptr,
             lead + "NULL for an interface that nobody knows");
  bool stopped = false;
  table->stop(self, {[](void* ctx, std::int32_t, const void*, const postbus_error*) {
                       *static_cast<bool*>(ctx) = true;
                     },
                     &stopped});
  if (!stopped) return f.add(lead + "an answer to stop of what was never started; there is none");
  table->destroy(self);
}

const postbus_plugin_desc& desc_of(const library_under_test& l, const plugin_info& p) {
  const postbus_module& module = testing::load_module(l.file);
  for (std::size_t i = 0; i < module.plugin_count; ++i)
    if (p.id == module.plugins[i]->id) return *module.plugins[i];
  throw std::runtime_error("the module has no plugin '" + p.id + "'");
}

// A fake host that only lends its tables.
struct lender : testing::fake_host {
  explicit lender(testing::settings own) { settings_ = std::move(own); }
  ~lender() { take_faults(); }
};

// The host refuses these before a plugin sees them; one that sees them all the same must not fall over.
void bad_settings(const library_under_test& l, findings& f) {
  for_each_plugin(l, [&](const plugin_info& p) {
    testing::settings wrong = settings_for(l, p);
    for (auto& [name, value] : wrong) {
      if (std::holds_alternative<std::string>(value)) value = true;
      else value = std::string("no such thing");
    }
    std::string noise(1024 * 1024, '\0');
    for (std::size_t i = 0; i < noise.size(); ++i) noise[i] = static_cast<char>(i * 2654435761u >> 13);
    const std::pair<const char*, std::string> configs[] = {
        {"for settings of the wrong types", testing::to_json(wrong)},
        {"for empty settings", "{}"},
        {"for no settings", ""},
        {"for a megabyte of noise", noise}};
    for (const auto& [what, text] : configs) {
      const lender none(std::string_view(what).ends_with("types") ? wrong : testing::settings());
      create_and_destroy(desc_of(l, p), none.host(), text, what, f);
    }
  });
}

// A host of a later version: its table goes on behind what a plugin of today knows, with what must not be called.
void newer_host(const library_under_test& l, findings& f) {
  struct longer {
    postbus_host known;
    std::uintptr_t unknown[16];
  };
  for_each_plugin(l, [&](const plugin_info& p) {
    const testing::settings own = settings_for(l, p);
    const lender real(own);
    longer host{*real.host(), {}};
    for (auto& poison : host.unknown) poison = 0x5a5a5a5a5a5a5a5a;
    host.known.size = sizeof host;
    host.known.abi_minor = 99;
    create_and_destroy(desc_of(l, p), &host.known, testing::to_json(own), "on a newer host", f);
  });
}

// A host whose table ends before it hands out events. There was none before version 1.0, but a plugin that asks POSTBUS_CAN first, or says
// that it wants more, is ready for those of later versions.
void older_host(const library_under_test& l, findings& f) {
  for_each_plugin(l, [&](const plugin_info& p) {
    const testing::settings own = settings_for(l, p);
    for (const std::size_t size : {offsetof(postbus_host, event_fill), offsetof(postbus_host, event_new)}) {
      const lender real(own);
      postbus_host host{};
      std::memcpy(&host, real.host(), size);
      host.size = static_cast<std::uint32_t>(size);
      create_and_destroy(desc_of(l, p), &host, testing::to_json(own),
                         "on a host whose table has " + std::to_string(size) + " bytes", f);
    }
  });
}

// Each service may be missing: the plugin does without it, or says that it cannot.
void missing_services(const library_under_test& l, findings& f) {
  for_each_plugin(l, [&](const plugin_info& p) {
    const testing::settings own = settings_for(l, p);
    for (const char* service : {"postbus.settings/1", "postbus.metrics/1", "postbus.publish/1",
                                "postbus.inflight/1", "postbus.store/1", "postbus.flow/1"}) {
      lender without(own);
      without.hide_service(service);
      create_and_destroy(desc_of(l, p), without.host(), testing::to_json(own),
                         std::string("without ") + service, f);
    }
  });
}

constexpr library_check table[] = {
    {"life", "its plugins are created, started, stopped and destroyed a hundred times", rounds},
    {"bad-settings", "settings that no schema would let by are refused, or do no harm", bad_settings},
    {"newer-host", "on a host of a later version they work, or say why not", newer_host},
    {"older-host", "on a host whose table is shorter they work, or say why not", older_host},
    {"services", "without an optional service they work, or say why not", missing_services},
};

}  // namespace

std::span<const library_check> life_checks() { return table; }

}  // namespace postbus::conformance
