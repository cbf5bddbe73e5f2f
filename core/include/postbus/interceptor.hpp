// interceptor: a feature written as a lambda in the program itself. What many programs want belongs in a plugin.
//
//   config.intercept("no-secrets", [](postbus::interception& i) {
//     if (i.text().find("password") != std::string_view::npos) i.reject("holds a password");
//   });
//
// Its name takes its place in bus.features, and [plugin.<name>] may set topics, key and on_error as for any feature.
#pragma once

#include <postbus/event.hpp>

#include <functional>

namespace postbus {

// The passes of the pipeline: a publish on its way down, a delivery on its way up.
enum class stage : unsigned { publish = 1, deliver = 4 };
enum class stages : unsigned { publish = 1, deliver = 4, both = 5 };

// One event in front of an interceptor. Valid during the call. Without a verdict the event passes; the last verdict counts.
class interception {
 public:
  postbus::stage stage() const noexcept;
  std::string_view topic() const noexcept;
  std::string_view id() const noexcept;
  std::string_view source() const noexcept;
  std::string_view content_type() const noexcept;
  bytes_view data() const noexcept;
  std::string_view text() const noexcept { return data().text(); }
  std::optional<std::string_view> header(std::string_view name) const noexcept;
  // The value of the key configured for it; empty without one.
  std::string_view key() const noexcept;
  // As delivery::attempt() will say: 1, 2, 3 …; 0 at publish.
  unsigned attempt() const noexcept;

  // Done, and nothing went wrong: a publish says ok, a delivery is acked and counted as dropped.
  void drop() noexcept;
  // A publish fails with error::refused, a delivery is given up.
  void reject(std::string_view reason);
  // Goes on as this event; topic and data are copied. What is not given here (id, headers, content type, key …) is as before; another
  // topic is routed anew.
  void replace(bytes_view data) { replace(topic(), data); }
  void replace(std::string_view topic, bytes_view data);

 private:
  friend class local_interceptor;
  struct state;
  explicit interception(state& s) noexcept : state_(s) {}
  state& state_;
};

// Called from many threads at once, on the path of every event it applies to: it must not block. An exception is a failure: on_error
// says what becomes of the event.
using interceptor = std::function<void(interception&)>;

}  // namespace postbus
