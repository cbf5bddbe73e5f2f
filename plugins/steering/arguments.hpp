// arguments: what a method is called with. What is missing, of another type, or not known is refused with words.
#pragma once

#include <boost/json/object.hpp>

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace postbus::steering_plugin {

namespace json = boost::json;

class arguments {
 public:
  // Throws sdk::failure{POSTBUS_E_INVALID}, as do the others.
  explicit arguments(std::string_view text);
  void allow(std::initializer_list<std::string_view> names) const;

  bool has(std::string_view name) const { return find(name) != nullptr; }
  std::string text(std::string_view name, std::string_view otherwise = "") const;
  std::string required_text(std::string_view name) const;
  bool boolean(std::string_view name) const;
  std::int64_t count(std::string_view name, std::int64_t otherwise) const;  // an integer from 0
  const json::object* object(std::string_view name) const;                  // nullptr: there is none
  // "session": one segment of a topic.
  std::string session() const { return checked_session(required_text("session")); }
  static std::string checked_session(std::string id);

 private:
  const json::value* find(std::string_view name) const;
  json::object all_;
};

}  // namespace postbus::steering_plugin
