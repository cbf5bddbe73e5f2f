// The one header of a plugin author. A plugin is a class with a constructor from context&, which is a transport (transport.hpp),
// a feature (interceptor.hpp), a store (store.hpp), or answers calls, or several of these; it may also have
//
//   void start(completion<>&&);   // [control] when it has something to open; the bus starts once it answered
//   void stop(completion<>&&);    // [control] when it has something to close. The host hears that it stopped once every other
//                                 // completion is answered too: stop() answers or drops those it still holds
//   void call(std::string_view method, std::string_view json, completion<std::string_view>&&);   // [any] the manifest's methods
//   static constexpr std::uint32_t flags = 0;   // it has threads or a clock of its own: refused under a test's manual clock
//
// and one line at the end of the file, outside of any namespace:
//
//   POSTBUS_PLUGINS(POSTBUS_PLUGIN("size-limit", size_limit))
//
// plugin.json beside it is the manifest; postbus_add_plugin() of the CMake package builds both into one library. A constructor
// that throws refuses the configuration: the bus does not start, and its error carries the message.
#pragma once

#include <postbus/sdk/interceptor.hpp>
#include <postbus/sdk/store.hpp>
#include <postbus/sdk/transport.hpp>

namespace postbus::sdk {

template <class T>
concept callable = requires(T t, completion<std::string_view> done) {
  t.call(std::string_view{}, std::string_view{}, std::move(done));
};
template <class T>
concept plugin = std::constructible_from<T, context&> &&
    (transport<T> || feature<T> || store<T> || callable<T>);

namespace detail {
struct no_face {};
template <class T>
concept names_start = requires {
  &T::start;
};
template <class T>
concept names_stop = requires {
  &T::stop;
};
template <class T>
concept names_call = requires {
  &T::call;
};

template <class T>
struct plugin_face {
  static_assert(std::constructible_from<T, context&>,
                "a plugin has a constructor from postbus::sdk::context&");
  static_assert(!names_a_transport<T> || transport<T>,
                "this is nearly a transport: compare subscription, can, publish, subscribe, unsubscribe with "
                "transport.hpp");
  static_assert(!names_on_publish<T> || publish_feature<T>,
                "on_publish is: verdict on_publish(postbus::sdk::item&)");
  static_assert(!names_on_deliver<T> || deliver_feature<T>,
                "on_deliver is: verdict on_deliver(postbus::sdk::item&)");
  static_assert(!names_on_published<T> || (published_feature<T> && publish_feature<T>),
                "on_published is: void on_published(postbus::sdk::item&), beside on_publish");
  static_assert(!names_on_settled<T> || (settled_feature<T> && deliver_feature<T>),
                "on_settled is: verdict on_settled(postbus::sdk::item&), beside on_deliver");
  static_assert(!names_on_batch<T> || batch_feature<T>,
                "on_batch is: void on_batch(std::uint32_t stage, std::span<postbus_item>), beside "
                "std::uint32_t stages()");
  static_assert(!names_execute<T> || store<T>,
                "execute is: void execute(std::span<const postbus_op>, store_completion&&)");
  static_assert(
      !names_start<T> || requires(T t, completion<> done) { t.start(std::move(done)); },
      "start is: void start(completion<>&&)");
  static_assert(
      !names_stop<T> || requires(T t, completion<> done) { t.stop(std::move(done)); },
      "stop is: void stop(completion<>&&)");
  static_assert(
      !names_call<T> || callable<T>,
      "call is: void call(std::string_view method, std::string_view json, completion<std::string_view>&&)");
  static_assert(plugin<T>, "a plugin is a transport, a feature, a store, or has call()");

  // What stands behind the void* of every C table.
  struct object : instance<T> {
    object(const postbus_host* host, std::string_view config) : instance<T>(host, config) {
      if constexpr (transport<T>) transport_table = transport_face<T>::table(this->impl);
      if constexpr (batch_feature<T>) interceptor_table = batch_table(this->impl);
    }
    std::conditional_t<transport<T>, postbus_transport, no_face> transport_table{};
    std::conditional_t<batch_feature<T>, postbus_interceptor, no_face> interceptor_table{};
  };
  static object& of(void* self) noexcept { return static_cast<object&>(instance_of<T>(self)); }

  static std::int32_t create(const postbus_host* host, postbus_str config, const postbus_plugin** table,
                             void** self, postbus_error* error) {
    std::int32_t status = POSTBUS_OK;
    guarded(
        [&] {
          *self = static_cast<instance<T>*>(new object(host, view(config)));
          *table = &face;
        },
        [&](std::int32_t code, std::string_view what) {
          status = code;
          const postbus_error mine = make_error(code, what);
          const std::uint32_t size = std::min<std::uint32_t>(error->size, sizeof mine);
          std::memcpy(error, &mine, size);
          error->size = size;
        });
    return status;
  }

  static void start(void* self, postbus_done done) {
    guarded_call(completion<>{done, of(self).owed}, [&](auto& answer) {
      if constexpr (requires { of(self).impl.start(std::move(answer)); })
        of(self).impl.start(std::move(answer));
      else answer.ok();
    });
  }
  // The author's stop runs as one more thing owed; the host hears of it when nothing is owed any more.
  static void stop(void* self, postbus_done done) {
    guarded_call(completion<>{{}, of(self).owed}, [&](auto& answer) {
      if constexpr (requires { of(self).impl.stop(std::move(answer)); })
        of(self).impl.stop(std::move(answer));
      else answer.ok();
    });
    of(self).owed.finish(done);
  }
  static void destroy(void* self) { delete &of(self); }

  static const void* interface(void* self, const char* id) {
    const std::string_view name = id;
    if constexpr (transport<T>)
      if (name == "postbus.transport/1") return &of(self).transport_table;
    if constexpr (batch_feature<T>) {
      if (name == "postbus.interceptor/1") return &of(self).interceptor_table;
    } else if constexpr (feature<T>) {
      if (name == "postbus.interceptor/1") return &interceptor_face<T>::table;
    }
    if constexpr (store<T>)
      if (name == "postbus.store/1") return &store_face<T>::table;
    if constexpr (callable<T>)
      if (name == "postbus.control/1") return &control;
    return nullptr;
  }

  static constexpr std::uint32_t flags() {
    if constexpr (requires { T::flags; }) return T::flags;
    else return POSTBUS_CAN_VIRTUAL_TIME;
  }
  static constexpr postbus_plugin face{sizeof(postbus_plugin), flags(), start, stop, destroy, interface};
  static constexpr postbus_control control{
      sizeof(postbus_control), 0, [](void* self, postbus_str method, postbus_str json, postbus_done done) {
        if constexpr (callable<T>)
          guarded_call(completion<std::string_view>{done, of(self).owed}, [&](auto& answer) {
            of(self).impl.call(view(method), view(json), std::move(answer));
          });
      }};
};

template <std::size_t N>
struct plugin_list {
  explicit constexpr plugin_list(const postbus_plugin_desc (&descriptions)[N]) {
    for (std::size_t i = 0; i < N; ++i) at[i] = &descriptions[i];
  }
  const postbus_plugin_desc* at[N]{};
};
}  // namespace detail

template <class T>
constexpr postbus_plugin_desc describe(const char* id) {
  return {sizeof(postbus_plugin_desc), 0, id, detail::plugin_face<T>::create};
}

}  // namespace postbus::sdk

// POSTBUS_PLUGIN_MANIFEST is the text of plugin.json; postbus_add_plugin() includes it before everything else.
#define POSTBUS_PLUGIN(id, T) ::postbus::sdk::describe<T>(id)
#define POSTBUS_PLUGINS(...)                                                                    \
  POSTBUS_MANIFEST(POSTBUS_PLUGIN_MANIFEST);                                                    \
  static constexpr postbus_plugin_desc postbus_descriptions_[] = {__VA_ARGS__};                 \
  static constexpr ::postbus::sdk::detail::plugin_list postbus_plugins_{postbus_descriptions_}; \
  extern "C" constinit const postbus_module POSTBUS_MODULE = {POSTBUS_MAGIC,                    \
                                                              sizeof(postbus_module),           \
                                                              POSTBUS_ABI_MAJOR,                \
                                                              POSTBUS_ABI_MINOR,                \
                                                              0,                                \
                                                              0,                                \
                                                              POSTBUS_PLUGIN_MANIFEST,          \
                                                              postbus_plugins_.at,              \
                                                              std::size(postbus_plugins_.at)};
