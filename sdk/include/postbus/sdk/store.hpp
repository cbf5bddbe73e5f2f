// A store: a class that holds what plugins share, by key. It has
//
//   void execute(std::span<const postbus_op>, store_completion&&);                          // [hot] a result for each op
// and where it can tell of changes:
//   void watch(std::string_view prefix, const watcher&, completion<std::uint64_t>&&);       // [control] the watch's name
//   void unwatch(std::uint64_t watch, completion<>&&);                                      // [control]
//
// plugin.h says what each of them promises, and what each kind of op does. An exception answers the call with its message.
#pragma once

#include <postbus/sdk/instance.hpp>

namespace postbus::sdk {

// Whom a watch tells; a copyable reference, valid until its unwatch completed.
class watcher {
 public:
  watcher(void (*fn)(void*, postbus_str, postbus_bytes), void* ctx) noexcept : changed_(fn), ctx_(ctx) {}

  // Not with a lock held, and not two calls at a time.
  void changed(std::string_view key, std::string_view note) const noexcept {
    changed_(ctx_, str(key), bytes(note));
  }
  // What changed is not known: the watcher reads everything again.
  void lost() const noexcept { changed({}, {}); }
  // As plugin.h has them, for who passes them on.
  auto function() const noexcept { return changed_; }
  void* argument() const noexcept { return ctx_; }

 private:
  void (*changed_)(void* ctx, postbus_str key, postbus_bytes note);
  void* ctx_;
};

template <class T>
concept store = requires(T t, std::span<const postbus_op> ops) {
  t.execute(ops, store_completion{});
};

namespace detail {
template <class T>
concept names_execute = requires {
  &T::execute;
};
template <class T>
concept names_watch = requires {
  &T::watch;
}
|| requires { &T::unwatch; };
template <class T>
concept has_watch = requires(T t, const watcher& w) {
  t.watch(std::string_view{}, w, completion<std::uint64_t>{});
  t.unwatch(std::uint64_t{}, completion<>{});
};

// The C table of a store.
template <class T>
struct store_face {
  static_assert(has_watch<T> == names_watch<T>,
                "watch and unwatch go together: void watch(std::string_view prefix, const watcher&, "
                "completion<std::uint64_t>&&) and void unwatch(std::uint64_t watch, completion<>&&)");

  static void execute(void* self, const postbus_op* ops, std::size_t n, postbus_done done) {
    guarded_call(store_completion{done, instance_of<T>(self).owed}, [&](auto& answer) {
      impl_of<T>(self).execute(std::span{ops, n}, std::move(answer));
    });
  }
  static constexpr postbus_store make() {
    postbus_store t{sizeof(postbus_store), 0, execute, nullptr, nullptr};
    if constexpr (has_watch<T>) {
      t.watch = [](void* self, postbus_str prefix, void (*changed)(void*, postbus_str, postbus_bytes),
                   void* ctx, postbus_done done) {
        guarded_call(completion<std::uint64_t>{done, instance_of<T>(self).owed}, [&](auto& answer) {
          impl_of<T>(self).watch(view(prefix), watcher{changed, ctx}, std::move(answer));
        });
      };
      t.unwatch = [](void* self, std::uint64_t watch, postbus_done done) {
        guarded_call(completion<>{done, instance_of<T>(self).owed},
                     [&](auto& answer) { impl_of<T>(self).unwatch(watch, std::move(answer)); });
      };
    }
    return t;
  }
  static constexpr postbus_store table = make();
};
}  // namespace detail

}  // namespace postbus::sdk
