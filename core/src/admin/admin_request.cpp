#include "admin_request.hpp"

#include <postbus/sdk/names.hpp>
#include <postbus/sdk/units.hpp>

#include <algorithm>

namespace postbus::detail {
namespace {

constexpr std::size_t shown_max = 80;  // bytes of a client's own words in an answer to it

std::string shown(const json::value& value) {
  std::string text = json::serialize(value);
  if (text.size() <= shown_max) return text;
  std::size_t end = shown_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // not inside a character
  return text.substr(0, end) + "…";
}

void check_names(std::string_view where, const json::object& object, const std::vector<std::string>& known) {
  for (const auto& [key, value] : object) {
    const std::string name(key);
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    throw error(error::bad_argument, std::string(where) + " with " + shown(json::value(key)),
                known.empty() ? "no arguments" : "only " + sdk::list_of(known),
                sdk::did_you_mean(name, known, "leave it out"));
  }
}

std::string_view view(const json::string& s) noexcept { return {s.data(), s.size()}; }

std::optional<std::int64_t> duration_of(const json::value& value) {
  if (!value.is_string()) return std::nullopt;
  const auto ns = sdk::parse_duration(view(value.get_string()));
  return ns && *ns >= 0 ? ns : std::nullopt;
}

void read_members(admin_request& r, const json::object& o) {
  static const std::vector<std::string> members{"id", "method", "args", "deadline"};
  const auto refuse = [](std::string_view name, const json::value& found, const char* wanted) {
    throw error(error::bad_argument, "a request with " + std::string(name) + " = " + shown(found), wanted,
                "");
  };
  check_names("a request", o, members);
  const json::value* method = o.if_contains("method");
  if (method == nullptr)
    throw error(error::bad_argument, "a request without method", "{\"method\": …, \"args\": {…}}",
                "\"methods\" lists them");
  if (!method->is_string()) refuse("method", *method, "a text");
  r.method = view(method->get_string());
  if (const json::value* args = o.if_contains("args")) {
    if (!args->is_object()) refuse("args", *args, "an object");
    r.args = args->get_object();
  }
  if (const json::value* deadline = o.if_contains("deadline")) {
    r.deadline_ns = duration_of(*deadline);
    if (!r.deadline_ns) refuse("deadline", *deadline, "a duration such as \"250ms\"");
  }
}

}  // namespace

admin_request parse_request(std::string_view line) {
  boost::system::error_code ec;
  const json::value value = json::parse(line, ec);
  if (ec)
    throw bad_request{nullptr, error(error::bad_argument, "a line that is no JSON: " + ec.message(),
                                     "a JSON object on one line, in UTF-8", "")};
  if (!value.is_object())
    throw bad_request{nullptr, error(error::bad_argument, "a line that is no object: " + shown(value),
                                     "{\"method\": …, \"args\": {…}}", "")};
  admin_request r;
  const json::object& o = value.get_object();
  if (const json::value* id = o.if_contains("id")) {
    if (!id->is_string() && !id->is_number())
      throw bad_request{nullptr, error(error::bad_argument, "a request with id = " + shown(*id),
                                       "a text or a number", "or leave it out")};
    r.id = *id;
  }
  try {
    read_members(r, o);
  } catch (const error& e) {
    throw bad_request{r.id, e};
  }
  return r;
}

admin_arguments::admin_arguments(std::string_view method, const json::object& args,
                                 const std::vector<std::string>& known)
    : method_(method), args_(args) {
  check_names("'" + std::string(method) + "'", args, known);
}

std::string_view admin_arguments::text(std::string_view name) const {
  const json::value* value = find(name);
  if (value == nullptr) return {};
  if (!value->is_string()) refuse(name, "a text");
  return view(value->get_string());
}

std::string_view admin_arguments::required_text(std::string_view name) const {
  if (!has(name)) lacks(name);
  return text(name);
}

std::optional<std::uint64_t> admin_arguments::number(std::string_view name, std::uint64_t least,
                                                     std::uint64_t most) const {
  const json::value* value = find(name);
  if (value == nullptr) return std::nullopt;
  boost::system::error_code ec;
  const auto n = value->to_number<std::uint64_t>(ec);
  if (ec || n < least || n > most)
    refuse(name, "an integer from " + std::to_string(least) + " to " + std::to_string(most));
  return n;
}

std::uint64_t admin_arguments::required_number(std::string_view name) const {
  if (!has(name)) lacks(name);
  return *number(name, 0, INT64_MAX);
}

std::optional<std::int64_t> admin_arguments::duration_ns(std::string_view name) const {
  const json::value* value = find(name);
  if (value == nullptr) return std::nullopt;
  const auto ns = duration_of(*value);
  if (!ns) refuse(name, std::string(sdk::duration_examples));
  return ns;
}

std::vector<std::pair<std::string_view, std::string_view>> admin_arguments::texts(
    std::string_view name) const {
  std::vector<std::pair<std::string_view, std::string_view>> all;
  const json::value* value = find(name);
  if (value == nullptr) return all;
  if (!value->is_object()) refuse(name, "an object of texts");
  for (const auto& [key, text] : value->get_object()) {
    if (!text.is_string()) refuse(name, "an object of texts");
    all.emplace_back(std::string_view(key), view(text.get_string()));
  }
  return all;
}

void admin_arguments::refuse(std::string_view name, const std::string& wanted) const {
  throw error(error::bad_argument,
              "'" + std::string(method_) + "' with " + std::string(name) + " = " + shown(args_.at(name)),
              wanted, "");
}

void admin_arguments::lacks(std::string_view name) const {
  throw error(error::bad_argument, "'" + std::string(method_) + "' without " + std::string(name),
              "the argument " + std::string(name), "");
}

}  // namespace postbus::detail
