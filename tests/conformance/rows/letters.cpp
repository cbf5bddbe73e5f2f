#include "letters.hpp"

#include <boost/json.hpp>

namespace postbus::conformance {

std::string own_name(scene& s, bus& b, std::string_view lead) {
  return std::string(lead) + "-" + s.publish(b, "conformance:nobody", "").id();
}

std::string of_box(const std::string& box, std::string_view more) {
  return R"({"box":")" + box + "\"" + std::string(more) + "}";
}

std::vector<boost::json::object> letters(scene& s, bus& b, const std::string& box) {
  std::vector<boost::json::object> all;
  std::string after;
  do {
    const boost::json::value page = boost::json::parse(
        s.call(b, "dead.list", of_box(box, after.empty() ? "" : R"(,"after":")" + after + "\"")));
    for (const auto& letter : page.at("letters").as_array()) all.push_back(letter.as_object());
    const auto* next = page.as_object().if_contains("after");
    after = next != nullptr ? std::string(next->as_string()) : "";
  } while (!after.empty());
  return all;
}

}  // namespace postbus::conformance
