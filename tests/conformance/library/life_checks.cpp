// The life of a plugin, on hosts that are not as one would like them.
#include "driver.hpp"
#include "tables.hpp"

#include <malloc.h>

#include <algorithm>
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

testing::settings of_wrong_types(testing::settings all) {
  for (auto& [name, value] : all) {
    if (std::holds_alternative<std::string>(value)) value = true;
    else value = std::string("no such thing");
  }
  return all;
}

// The host refuses these before a plugin sees them; one that sees them all the same must not fall over.
void bad_settings(const library_under_test& l, findings& f) {
  for_each_plugin(l, [&](const plugin_info& p) {
    const testing::settings wrong = of_wrong_types(settings_for(l, p));
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

// Bytes that are allocated now.
std::size_t allocated() { return ::mallinfo2().uordblks; }

// What each round leaves is left by all series of them; what is set up once, or grows now and then, is not. 32 bytes are the least that an
// allocation takes.
void expect_no_growth(const std::string& id, const char* what, const std::function<void()>& round,
                      findings& f) {
  constexpr std::size_t series = 4, rounds = 30, least = 32;
  if (allocated() == 0) throw check_skipped{"the allocator of this process does not count"};
  std::size_t growth = SIZE_MAX;
  for (std::size_t i = 0; i < series; ++i) {
    const std::size_t before = allocated();
    for (std::size_t n = 0; n < rounds; ++n) round();
    const std::size_t after = allocated();
    growth = std::min(growth, after > before ? after - before : 0);
  }
  f.expect(growth < rounds * least, "expected of '" + id + "' that " + what +
                                        " leaves no memory allocated; each " + std::to_string(rounds) +
                                        " times there were at least " + std::to_string(growth) +
                                        " bytes more");
}

void leaks(const library_under_test& l, findings& f) {
  for_each_plugin(l, [&](const plugin_info& p) {
    const testing::settings wrong = of_wrong_types(settings_for(l, p));
    const std::string as_json = testing::to_json(wrong);
    const postbus_plugin_desc& desc = desc_of(l, p);
    expect_no_growth(
        p.id, "refusing wrong settings",
        [&] {
          const lender host(wrong);
          create_and_destroy(desc, host.host(), as_json, "for settings of the wrong types", f);
        },
        f);
    expect_no_growth(
        p.id, "a whole life",
        [&] {
          driver d(l, p, f);
          d.start_up();
          d.shut_down();
        },
        f);
  });
}

// A store that is there, and does nothing.
struct no_store {
  std::int32_t status;

  static void refuse(void* self, postbus_done done) {
    sdk::answer(done, static_cast<no_store*>(self)->status);
  }
  static constexpr postbus_store table{
      sizeof(postbus_store), 0,
      [](void* self, const postbus_op*, std::size_t, postbus_done done) { refuse(self, done); },
      [](void* self, postbus_str, void (*)(void*, postbus_str, postbus_bytes), void*, postbus_done done) {
        refuse(self, done);
      },
      [](void*, std::uint64_t, postbus_done done) { sdk::answer(done, POSTBUS_OK); }};
};

// It starts or says why not, has a verdict for what it is shown, and stops.
void store_unavailable(const library_under_test& l, findings& f) {
  bool any = false;
  for_each_plugin(l, [&](const plugin_info& p) {
    if (p.wraps != "store" && !needs(p, "postbus.store/1")) return;
    any = true;
    for (const std::int32_t status : {POSTBUS_E_UNAVAILABLE, POSTBUS_E_UNKNOWN, POSTBUS_E_TIMEOUT}) {
      no_store refuses{status};
      driver d(l, p, f);
      d.add_service("postbus.store/1", &no_store::table, &refuses);
      if (!d.create_only()) continue;
      const auto started = d.start();
      if (!d.answered(started)) f.add("expected an answer to start without a store; there is none");
      if (started && provides(p, "postbus.interceptor/1")) show(d, 10);
      if (started) d.clock().advance(std::chrono::minutes(1));
      d.shut_down();
    }
  });
  if (!any) throw check_skipped{"no plugin of the library uses a store"};
}

constexpr library_check table[] = {
    {"life", "its plugins are created, started, stopped and destroyed a hundred times", rounds},
    {"bad-settings", "settings that no schema would let by are refused, or do no harm", bad_settings},
    {"leaks", "neither a life nor settings that it refuses leave memory behind", leaks, on_failure::go_on,
     std::chrono::seconds(60)},
    {"store", "with a store that answers nothing but errors they work, or say why not", store_unavailable},
    {"newer-host", "on a host of a later version they work, or say why not", newer_host},
    {"older-host", "on a host whose table is shorter they work, or say why not", older_host},
    {"services", "without an optional service they work, or say why not", missing_services},
};

}  // namespace

std::span<const library_check> life_checks() { return table; }

}  // namespace postbus::conformance
