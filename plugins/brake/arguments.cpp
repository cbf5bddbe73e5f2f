#include "arguments.hpp"

#include <postbus/sdk/guard.hpp>
#include <postbus/sdk/names.hpp>

#include <boost/json.hpp>

#include <algorithm>

namespace postbus::brake_plugin {
namespace {

namespace json = boost::json;

[[noreturn]] void refuse(const std::string& found, const std::string& wanted) {
  throw sdk::failure(POSTBUS_E_INVALID, found + "; expected " + wanted);
}

json::object parse_object(std::string_view text) {
  json::error_code ec;
  json::value value = json::parse(text, ec);
  if (ec || !value.is_object()) refuse("'" + std::string(text) + "'", R"(an object such as {"key": "42"})");
  return std::move(value.get_object());
}

std::string text_at(const json::object& from, std::string_view name) {
  const json::value* const value = from.if_contains(name);
  if (value == nullptr) return {};
  if (!value->is_string()) refuse(std::string(name) + " = " + json::serialize(*value), "a text");
  return std::string(value->get_string());
}

scope key_scope(const std::string& value) {
  if (value.empty() || value.starts_with('*'))
    refuse("the key '" + value + "'", "one that is not empty and does not begin with '*'");
  return {scope::key, value};
}

scope scope_of(const json::object& from) {
  const auto all = from.if_contains("all");
  const std::string key = text_at(from, "key") + text_at(from, "user_id"), pattern = text_at(from, "pattern");
  if (all != nullptr && !all->is_bool()) refuse("all = " + json::serialize(*all), "true");
  const bool wants_all = all != nullptr && all->get_bool();
  if (int(wants_all) + int(!key.empty()) + int(!pattern.empty()) != 1)
    refuse(json::serialize(from), R"(one of {"key": "42"}, {"pattern": "jobs:**"}, {"all": true})");
  if (wants_all) return {scope::all, {}};
  if (!key.empty()) return key_scope(key);
  if (const auto fault = sdk::check_pattern(pattern)) refuse(sdk::describe(fault, pattern), "a pattern");
  return {scope::pattern, pattern};
}

// An event on agent:pause:{user_id}: its only capture is the key.
scope scope_of_event(const json::object& params) {
  if (params.size() != 1)
    refuse("an event with " + json::serialize(params), "one on a pattern with one capture");
  return key_scope(std::string(params.begin()->value().as_string()));
}

}  // namespace

arguments arguments::parse(std::string_view text) {
  const json::object from = parse_object(text);
  arguments a;
  if (const auto params = from.if_contains("params"); params != nullptr && params->is_object()) {
    a.of = scope_of_event(params->get_object());
    a.actor = text_at(from, "source");
    a.heard = a.actor + " " + text_at(from, "id");
    return a;
  }
  static const std::vector<std::string> known{"key", "user_id", "pattern", "all", "actor", "epoch"};
  for (const auto& [name, value] : from)
    if (std::find(known.begin(), known.end(), name) == known.end())
      refuse("'" + std::string(name) + "'", "one of " + sdk::list_of(known));
  a.of = scope_of(from);
  a.actor = text_at(from, "actor");
  if (const auto epoch = from.if_contains("epoch")) {
    if (!epoch->is_int64()) refuse("epoch = " + json::serialize(*epoch), "a whole number");
    a.epoch = epoch->get_int64();
  }
  return a;
}

}  // namespace postbus::brake_plugin
