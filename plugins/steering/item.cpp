#include "item.hpp"

#include <postbus/sdk/text.hpp>

#include <boost/json/parse.hpp>

#include <algorithm>

namespace postbus::steering_plugin {
namespace {

constexpr std::string_view blanks = " \t\r\n", behind = " \t\r\n.!?,;:";

bool is_flag(const json::object& body, std::string_view name) {
  const json::value* v = body.if_contains(name);
  return v == nullptr || v->is_null() || v->is_bool();
}
bool flag_at(const json::object& body, std::string_view name) {
  const json::value* v = body.if_contains(name);
  return v != nullptr && v->is_bool() && v->get_bool();
}

bool is_well_formed(const json::value& v) {
  if (!v.is_object()) return false;
  const json::object& body = v.get_object();
  const json::value* text = body.if_contains("text");
  return text != nullptr && text->is_string() && is_flag(body, "is_abort") && is_flag(body, "interrupt");
}

}  // namespace

abort_words::abort_words(const std::vector<std::string>& words) {
  for (const std::string& w : words) words_.push_back(folded(w));
}

std::string abort_words::folded(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
  text.remove_suffix(text.size() - (text.find_last_not_of(behind) + 1));  // npos + 1 is 0
  std::string f(text);
  for (char& c : f)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return f;
}

bool abort_words::has(std::string_view text) const {
  const std::string f = folded(text);
  return !f.empty() && std::find(words_.begin(), words_.end(), f) != words_.end();
}

item read_item(std::string_view stored, const abort_words& words) {
  item i;
  json::error_code ec;
  json::value v = json::parse(stored, ec);
  i.is_malformed = ec || !is_well_formed(v);
  if (i.is_malformed) i.body = {{"text", sdk::valid_utf8(stored)}, {"malformed", true}};
  else i.body = std::move(v.get_object());
  if (const json::value* id = i.body.if_contains("id"); id != nullptr && id->is_string())
    i.id = std::string_view(id->get_string());
  i.is_abort = flag_at(i.body, "is_abort") || words.has(std::string_view(i.body.at("text").get_string()));
  i.interrupts = flag_at(i.body, "interrupt");
  i.body["is_abort"] = i.is_abort;
  return i;
}

items read_items(const std::vector<std::string>& stored, const abort_words& words) {
  items all;
  for (const std::string& one : stored) all.push_back(read_item(one, words));
  return all;
}

std::size_t first_that_counts(const items& batch) {
  for (std::size_t i = batch.size(); i-- > 0;)
    if (batch[i].is_abort && batch[i].id.empty()) return i;
  return 0;
}

std::vector<std::string> ids_of(const items& batch, std::size_t from, std::size_t to) {
  std::vector<std::string> ids;
  for (std::size_t i = from; i < to; ++i)
    if (!batch[i].id.empty()) ids.push_back(batch[i].id);
  return ids;
}

}  // namespace postbus::steering_plugin
