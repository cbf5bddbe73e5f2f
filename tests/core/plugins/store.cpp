// The store of a bus: which one it is, and that a plugin which asks for one gets it ready, in its create().
#include "refusal.hpp"
#include "support/bus.hpp"

#include <postbus/sdk/completion.hpp>

using namespace postbus;
using namespace postbus::tests;

namespace {

std::string life;  // what happened to the store, in order

void done_ok(void*, postbus_done done) { sdk::answer(done, POSTBUS_OK); }

// A store that only counts what it is asked.
struct counting_store {
  static constexpr postbus_store store{sizeof(postbus_store), 0,
                                       [](void*, const postbus_op*, std::size_t n, postbus_done done) {
                                         life += "execute" + std::to_string(n) + " ";
                                         sdk::answer(done, POSTBUS_OK);
                                       },
                                       nullptr, nullptr};
  static constexpr postbus_plugin table{sizeof(postbus_plugin),
                                        POSTBUS_CAN_VIRTUAL_TIME,
                                        [](void*, postbus_done done) {
                                          life += "start ";
                                          sdk::answer(done, POSTBUS_OK);
                                        },
                                        [](void*, postbus_done done) {
                                          life += "stop ";
                                          sdk::answer(done, POSTBUS_OK);
                                        },
                                        [](void*) {},
                                        [](void*, const char* id) -> const void* {
                                          return std::string_view(id) == "postbus.store/1" ? &store : nullptr;
                                        }};
  static std::int32_t create(const postbus_host*, postbus_str, const postbus_plugin** to, void** self,
                             postbus_error*) {
    life += "create ";
    *to = &table;
    *self = &life;
    return POSTBUS_OK;
  }
};

// A feature that uses the store as soon as it is created.
struct user_of_store {
  static constexpr postbus_control control{sizeof(postbus_control), 0, nullptr};
  static constexpr postbus_plugin table{sizeof(postbus_plugin),
                                        POSTBUS_CAN_VIRTUAL_TIME,
                                        done_ok,
                                        done_ok,
                                        [](void*) {},
                                        [](void*, const char* id) -> const void* {
                                          return std::string_view(id) == "postbus.control/1" ? &control
                                                                                             : nullptr;
                                        }};
  static std::int32_t create(const postbus_host* host, postbus_str, const postbus_plugin** to, void** self,
                             postbus_error* error) {
    const auto* store = static_cast<const postbus_store*>(host->service(host, "postbus.store/1", self));
    if (store == nullptr) {
      *error = sdk::make_error(POSTBUS_E_FAIL, "no store");
      return POSTBUS_E_FAIL;
    }
    const postbus_op ops[2]{};
    store->execute(*self, ops, 2, {});
    *to = &table;
    return POSTBUS_OK;
  }
};

constexpr const char* manifest = R"({"version": "1.0.0", "abi": 1, "plugins": [
  {"id": "some-store", "provides": ["postbus.store/1"],
   "config_schema": {"properties": {"keys_max": {"type": "integer", "default": 7}}}},
  {"id": "asks", "provides": ["postbus.control/1"], "requires": ["postbus.store/1"]}]})";
constexpr postbus_plugin_desc some_store{sizeof(postbus_plugin_desc), 0, "some-store",
                                         counting_store::create};
constexpr postbus_plugin_desc asks{sizeof(postbus_plugin_desc), 0, "asks", user_of_store::create};
constexpr const postbus_plugin_desc* plugins[] = {&some_store, &asks};
constexpr postbus_module module{POSTBUS_MAGIC, sizeof(postbus_module), 1, 0, 0, 0, manifest, plugins, 2};

config with_store() {
  life.clear();
  return config_for("memory").module(module);
}

}  // namespace

TEST_CASE("a plugin that asks for a store gets it started, before its own create returns", "[store]") {
  {
    bus b(with_store().set("store.plugin", "some-store").feature("asks"));
    CHECK(life == "create start execute2 execute1 ");  // the plugin's, and the bus's own look for schedules
  }
  CHECK(life == "create start execute2 execute1 stop ");
}

TEST_CASE("a store that is named is there although nobody asks for it; auto is not", "[store]") {
  bus named(with_store().set("store.plugin", "some-store"));
  CHECK(life == "create start execute1 ");  // the bus looks for schedules
  bus automatic(with_store());
  CHECK(life.empty());
}

TEST_CASE("what is no store, or a store's setting without a store, is refused", "[store]") {
  const error wrong = refusal([] { bus b(with_store().set("store.plugin", "memory")); });
  CHECK(wrong.code() == error::bad_config);
  CHECK(wrong.wanted() == "a plugin that provides postbus.store/1");
  const error unused = refusal([] { bus b(with_store().set("store.keys_max", "3")); });
  CHECK(unused.found() == "store.keys_max (set in code), and no store is used");
  const error unknown =
      refusal([] { bus b(with_store().set("store.plugin", "some-store").set("store.key_max", "3")); });
  CHECK(unknown.remedy() == "did you mean 'keys_max'?");
}

TEST_CASE("a plugin that asks for a store where there is none of that name is refused", "[store]") {
  const error e = refusal([] { bus b(with_store().feature("asks").set("store.plugin", "memory-stone")); });
  CHECK(e.code() == error::bad_plugin);
  CHECK(has(e.found(), "no plugin 'memory-stone'"));
  CHECK(e.remedy() == "did you mean 'memory-store'?");
}

TEST_CASE("a plugin that asks for a store has that of the memory library where nothing else is said",
          "[store]") {
  bus b(with_store().feature("asks").set("store.instance", "shared").set("store.bytes_max", "1MiB"));
  CHECK(life.empty());
  CHECK(b.call("memory-store.health", "{}") == R"({"keys":0,"bytes":0,"watches":0})");
  const error e = refusal([] { bus wrong(with_store().feature("asks").set("store.answers", "never")); });
  CHECK(e.code() == error::bad_config);
}
