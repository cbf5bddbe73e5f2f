// admin_request: a line of a client, as a request whose parts have types. No socket; what is wrong is thrown as error::bad_argument.
#pragma once

#include "text/json.hpp"

#include <postbus/error.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postbus::detail {

struct admin_request {
  json::value id;  // null: none was given
  std::string method;
  json::object args;
  std::optional<std::int64_t> deadline_ns;  // for methods of plugins, and health
};

// A line that could not be read, and the id it has all the same.
struct bad_request {
  json::value id;
  error what;
};
// Throws bad_request.
admin_request parse_request(std::string_view line);

// The arguments of one call.
class admin_arguments {
 public:
  // Throws for an argument that is not among `known`. `args` is borrowed.
  admin_arguments(std::string_view method, const json::object& args, const std::vector<std::string>& known);

  bool has(std::string_view name) const noexcept { return args_.contains(name); }
  const json::value* find(std::string_view name) const noexcept { return args_.if_contains(name); }
  // Empty where it is left out. Views last as long as the arguments do.
  std::string_view text(std::string_view name) const;
  std::string_view required_text(std::string_view name) const;
  std::optional<std::uint64_t> number(std::string_view name, std::uint64_t least, std::uint64_t most) const;
  std::uint64_t required_number(std::string_view name) const;
  // As "250ms".
  std::optional<std::int64_t> duration_ns(std::string_view name) const;
  // Of an object whose values are texts.
  std::vector<std::pair<std::string_view, std::string_view>> texts(std::string_view name) const;
  [[noreturn]] void refuse(std::string_view name, const std::string& wanted) const;

 private:
  [[noreturn]] void lacks(std::string_view name) const;
  std::string_view method_;
  const json::object& args_;
};

}  // namespace postbus::detail
