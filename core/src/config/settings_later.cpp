#include "settings_later.hpp"

#include "text/key_path.hpp"

#include <string>
#include <string_view>

namespace postbus::detail {
namespace {

struct later {
  std::string_view table;  // "" = the top
  std::string_view key;
  std::string_view value;  // only this value of it; empty: whatever its value is
  std::string_view what;
};

constexpr later to_come[] = {
    {"transport", "on_unavailable", "buffer", "buffering while the transport is away"},
};

[[noreturn]] void refuse(const later& l, const std::string& at, const std::string& origin) {
  const std::string value = l.value.empty() ? "" : " = " + json::serialize(json::string(l.value));
  throw error(error::unsupported, at + value + " (" + origin + ")", "",
              std::string(l.what) + " is not available yet; remove the setting");
}

void check(const config_access::contents& c, const json::object& table, std::string_view kind,
           const std::string& path) {
  for (const later& l : to_come) {
    const json::value* found = l.table == kind ? table.if_contains(l.key) : nullptr;
    if (!found || (!l.value.empty() && (!found->is_string() || found->get_string() != l.value))) continue;
    const std::string at = join_path(path, l.key);
    refuse(l, at, c.origin(at));
  }
}

}  // namespace

void refuse_what_comes_later(const config_access::contents& c) {
  check(c, c.tree, "", "");
  for (const char* name : {"bus", "transport"})
    if (const json::value* table = c.tree.if_contains(name); table && table->is_object())
      check(c, table->get_object(), name, name);
  // The tables below one, each by a name of its own.
  const auto check_below = [&](const char* parent, std::string_view kind) {
    const json::value* tables = c.tree.if_contains(parent);
    if (!tables || !tables->is_object()) return;
    for (const auto& [name, table] : tables->get_object())
      if (table.is_object()) check(c, table.get_object(), kind, join_path(parent, std::string_view(name)));
  };
  check_below("transports", "transport");
}

}  // namespace postbus::detail
