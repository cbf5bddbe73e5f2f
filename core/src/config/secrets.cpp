#include "secrets.hpp"

#include "environment.hpp"
#include "schema_words.hpp"
#include "text/key_path.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <system_error>
#include <utility>

namespace postbus::detail {
namespace {

using contents = config_access::contents;
constexpr std::streamsize file_bytes_max = 1024 * 1024;
constexpr std::size_t short_secret = 4;  // bytes

bool is_variable_name(std::string_view name) {
  const auto is_word = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  return !name.empty() && std::isdigit(static_cast<unsigned char>(name.front())) == 0 &&
         std::all_of(name.begin(), name.end(), is_word);
}

std::string escaped(std::string_view text) {
  const std::string quoted = json::serialize(json::string(text));
  return quoted.substr(1, quoted.size() - 2);
}

// One text of a configuration on its way to what it stands for.
class reference {
 public:
  reference(const contents& c, std::string path, std::string_view text)
      : contents_(c), path_(std::move(path)), text_(text) {}

  // What the text stands for; `put_in` tells what came from elsewhere.
  std::string resolve(std::vector<secret::part>& put_in) const {
    if (text_.substr(0, 2) == "@@") return variables(text_.substr(1), put_in);
    if (text_.substr(0, 1) != "@") return variables(text_, put_in);
    std::vector<secret::part> of_the_path;  // a folder is no secret
    put_in.push_back({std::string(text_), file(variables(text_.substr(1), of_the_path))});
    return put_in.back().text;
  }

 private:
  [[noreturn]] void refuse(const std::string& why, std::string wanted, std::string remedy) const {
    const std::string where = contents_.origin(path_);
    throw error(
        error::bad_config,
        path_ + " = " + shown(json::string(text_)) + (where.empty() ? "" : " (" + where + ")") + ": " + why,
        std::move(wanted), std::move(remedy));
  }

  std::string variables(std::string_view rest, std::vector<secret::part>& put_in) const {
    std::string result;
    for (;;) {
      const std::size_t at = rest.find("${");
      result.append(rest.substr(0, at));
      if (at == std::string_view::npos) return result;
      const bool escape = at > 0 && rest[at - 1] == '$';  // $${ is ${
      rest.remove_prefix(at + 2);
      if (escape) {
        result += '{';
        continue;
      }
      const std::size_t end = rest.find('}');
      const std::string name(rest.substr(0, end));
      if (end == std::string_view::npos || !is_variable_name(name))
        refuse("a ${ without the name of a variable and a }", "${NAME}", "write $${ for a plain ${");
      put_in.push_back({"${" + name + "}", variable(name)});
      result += put_in.back().text;
      rest.remove_prefix(end + 1);
    }
  }

  std::string variable(const std::string& name) const {
    if (const char* value = ::secure_getenv(name.c_str())) return checked(value, "the variable " + name);
    refuse("no environment variable " + name,
           has_elevated_privileges() ? "no variables, in a program with elevated privileges" : "it set",
           has_elevated_privileges() ? "name a file, as @path"
                                     : "set " + name + ", or write $${ for a plain ${");
  }

  std::string file(const std::string& name) const {
    const std::filesystem::path full = contents_.folder / name;
    std::error_code why;
    std::ifstream stream(full, std::ios::binary);
    if (!stream) why = {errno, std::generic_category()};
    else if (std::error_code unknown; std::filesystem::is_directory(full, unknown))
      why = std::make_error_code(std::errc::is_a_directory);
    std::string text;
    if (!why) {
      text.resize(static_cast<std::size_t>(file_bytes_max) + 1);
      stream.read(text.data(), file_bytes_max + 1);
      text.resize(static_cast<std::size_t>(stream.gcount()));
      if (stream.gcount() > file_bytes_max) why = std::make_error_code(std::errc::file_too_large);
    }
    if (why)
      refuse(full.string() + ": " + why.message(), "a file that can be read, of at most 1 MiB",
             "check the path and its permissions, or write @@ for a plain @");
    if (!text.empty() && text.back() == '\n') text.pop_back();
    if (!text.empty() && text.back() == '\r') text.pop_back();
    return checked(std::move(text), full.string());
  }

  std::string checked(std::string text, const std::string& whose) const {
    boost::system::error_code ec;
    json::parse(json::serialize(json::string(text)), ec);
    if (ec) refuse(whose + " holds what is no text", "text in UTF-8", "correct what it holds");
    return text;
  }

  const contents& contents_;
  const std::string path_;
  const std::string_view text_;
};

void fill_in(contents& c, json::value& value, const std::string& path) {
  if (json::object* table = value.if_object())
    for (auto& [key, inner] : *table) fill_in(c, inner, join_path(path, std::string_view(key)));
  if (json::array* list = value.if_array())
    for (std::size_t i = 0; i < list->size(); ++i) fill_in(c, (*list)[i], join_path(path, i));
  json::string* text = value.if_string();
  if (text == nullptr || (text->find("${") == json::string::npos && !text->starts_with('@'))) return;
  secret found{std::string(std::string_view(*text)), {}};
  *text = reference(c, path, found.reference).resolve(found.parts);
  if (!found.parts.empty()) c.secrets.emplace(path, std::move(found));
}

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || (c & 0x80) != 0; }

// `text` with `by` wherever it quotes `secret`.
std::string replaced(std::string text, std::string_view secret, std::string_view by) {
  if (secret.empty()) return text;
  for (std::size_t at = 0; (at = text.find(secret, at)) != std::string::npos;) {
    const std::size_t end = at + secret.size();
    const bool alone = (at == 0 || !is_word(text[at - 1])) && (end == text.size() || !is_word(text[end]));
    if (secret.size() < short_secret && !alone) {
      ++at;
      continue;
    }
    text.replace(at, secret.size(), by);
    at += by.size();
  }
  return text;
}

// Longer ones first: a secret may contain another one.
std::string without(std::string text, std::vector<secret::part> secrets) {
  std::sort(secrets.begin(), secrets.end(),
            [](const auto& a, const auto& b) { return a.text.size() > b.text.size(); });
  for (const secret::part& s : secrets)
    text = replaced(replaced(std::move(text), escaped(s.text), s.name), s.text, s.name);
  return text;
}

}  // namespace

contents fill_in_secrets(const contents& written) {
  contents filled = written;
  for (auto& [key, value] : filled.tree) fill_in(filled, value, join_path("", std::string_view(key)));
  return filled;
}

json::value as_written(const contents& filled, const std::string& path, const json::value& value) {
  if (filled.secrets.empty()) return value;
  if (const auto found = filled.secrets.find(path); found != filled.secrets.end())
    return json::string(found->second.reference);
  if (const json::object* table = value.if_object()) {
    json::object result;
    for (const auto& [key, inner] : *table)
      result.emplace(key, as_written(filled, join_path(path, std::string_view(key)), inner));
    return result;
  }
  if (const json::array* list = value.if_array()) {
    json::array result;
    for (const json::value& inner : *list)
      result.push_back(as_written(filled, join_path(path, result.size()), inner));
    return result;
  }
  return value;
}

json::value without_references(const json::value& value) {
  json::value result = value;
  if (json::object* table = result.if_object())
    for (auto& [key, inner] : *table) inner = without_references(inner);
  if (json::array* list = result.if_array())
    for (json::value& inner : *list) inner = without_references(inner);
  if (json::string* text = result.if_string()) {
    std::string plain{std::string_view(*text)};
    for (std::size_t at = 0; (at = plain.find("${", at)) != std::string::npos; at += 3)
      plain.insert(at, 1, '$');
    if (plain.starts_with('@')) plain.insert(0, 1, '@');
    *text = plain;
  }
  return result;
}

std::vector<std::string> secrets_in(const contents& filled, std::string_view path) {
  std::vector<std::string> texts;
  for (const auto& [at, secret] : filled.secrets)
    if (lies_within(at, path))
      for (const auto& part : secret.parts) texts.push_back(part.text);
  return texts;
}

std::string hide(std::string_view text, const std::vector<std::string>& secrets) {
  std::vector<secret::part> all;
  for (const std::string& secret : secrets) all.push_back({"(secret)", secret});
  return without(std::string(text), std::move(all));
}

error without_secrets(const error& e, const contents& filled) {
  std::vector<secret::part> all;
  for (const auto& [path, secret] : filled.secrets)
    all.insert(all.end(), secret.parts.begin(), secret.parts.end());
  return {static_cast<error::errc>(e.code().value()), without(e.found(), all), without(e.wanted(), all),
          without(e.remedy(), all)};
}

}  // namespace postbus::detail
