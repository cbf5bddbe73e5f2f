#include "failure.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <iostream>
#include <utility>

namespace postbus::cli {
namespace {

namespace json = boost::json;

std::string text_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace

std::string problem::sentence() const {
  std::string text;
  const auto add = [&](std::string_view lead, const std::string& phrase) {
    if (phrase.empty()) return;
    if (!text.empty()) text += "; ";
    text.append(lead).append(phrase);
  };
  add("found ", found);
  add("wanted ", wanted);
  add("", remedy);
  return text;
}

failure usage(std::string found, std::string wanted, std::string remedy) {
  return failure({"usage", std::move(found), std::move(wanted), std::move(remedy)}, exit_status::usage);
}

failure failed(std::string found, std::string wanted, std::string remedy) {
  return failure({"failed", std::move(found), std::move(wanted), std::move(remedy)});
}

problem problem_of(const error& e) {
  problem p{std::string(code_name(e.code())), e.found(), e.wanted(), e.remedy()};
  if (p.found.empty()) p.found = e.code().message();
  return p;
}

problem problem_of(const error_code& ec) { return {std::string(code_name(ec)), ec.message(), "", ""}; }

problem problem_of(const json::object& error) {
  problem p{text_at(error, "code"), text_at(error, "found"), text_at(error, "wanted"),
            text_at(error, "remedy")};
  if (p.found.empty()) p.found = text_at(error, "message");
  return p;
}

json::object to_json(const problem& p) {
  json::object error{{"code", p.code}, {"message", p.sentence()}};
  if (!p.found.empty()) error["found"] = p.found;
  if (!p.wanted.empty()) error["wanted"] = p.wanted;
  if (!p.remedy.empty()) error["remedy"] = p.remedy;
  return {{"error", std::move(error)}};
}

void report(const problem& p, bool as_json) {
  if (as_json) std::cerr << json::serialize(to_json(p)) << '\n';
  else std::cerr << "postbus: " << p.sentence() << '\n';
}

}  // namespace postbus::cli
