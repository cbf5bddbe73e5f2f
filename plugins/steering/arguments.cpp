#include "arguments.hpp"

#include <postbus/sdk/abi.hpp>
#include <postbus/sdk/names.hpp>
#include <postbus/sdk/topic.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <vector>

namespace postbus::steering_plugin {
namespace {

[[noreturn]] void refuse(const std::string& found, const std::string& wanted) {
  throw sdk::failure(POSTBUS_E_INVALID, "found " + found + "; wanted " + wanted);
}
[[noreturn]] void refuse(std::string_view name, const json::value& value, const std::string& wanted) {
  refuse(std::string(name) + " = " + json::serialize(value), wanted);
}

}  // namespace

arguments::arguments(std::string_view text) {
  json::error_code ec;
  json::value v = json::parse(text, ec);
  if (ec || !v.is_object()) refuse("'" + std::string(text) + "'", R"(an object such as {"session": "s1"})");
  all_ = std::move(v.get_object());
}

void arguments::allow(std::initializer_list<std::string_view> names) const {
  for (const auto& [name, value] : all_) {
    if (std::find(names.begin(), names.end(), std::string_view(name)) != names.end()) continue;
    const std::vector<std::string> known(names.begin(), names.end());
    refuse("'" + std::string(name) + "'", "one of " + sdk::list_of(known));
  }
}

const json::value* arguments::find(std::string_view name) const {
  const json::value* v = all_.if_contains(name);
  return v != nullptr && !v->is_null() ? v : nullptr;
}

std::string arguments::text(std::string_view name, std::string_view otherwise) const {
  const json::value* v = find(name);
  if (v == nullptr) return std::string(otherwise);
  if (!v->is_string()) refuse(name, *v, "a text");
  return std::string(std::string_view(v->get_string()));
}

std::string arguments::required_text(std::string_view name) const {
  if (!has(name)) refuse("no " + std::string(name), "a text");
  return text(name);
}

bool arguments::boolean(std::string_view name) const {
  const json::value* v = find(name);
  if (v != nullptr && !v->is_bool()) refuse(name, *v, "true or false");
  return v != nullptr && v->get_bool();
}

std::int64_t arguments::count(std::string_view name, std::int64_t otherwise) const {
  const json::value* v = find(name);
  if (v == nullptr) return otherwise;
  if (!v->is_int64() || v->get_int64() < 0) refuse(name, *v, "an integer from 0");
  return v->get_int64();
}

const json::object* arguments::object(std::string_view name) const {
  const json::value* v = find(name);
  if (v == nullptr) return nullptr;
  if (!v->is_object()) refuse(name, *v, "an object");
  return &v->get_object();
}

std::string arguments::checked_session(std::string id) {
  if (id.find(':') != id.npos) refuse("the session '" + id + "'", "a name without ':'");
  if (const auto fault = sdk::check_topic(id))
    refuse("the session: " + sdk::describe(fault, id), "a segment of a topic");
  return id;
}

}  // namespace postbus::steering_plugin
