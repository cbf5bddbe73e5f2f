// letters: looking into boxes of dead letters, for the rows.
#pragma once

#include <postbus/conformance/scene.hpp>

#include <boost/json/object.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace postbus::conformance {

// A name that nothing had before: the store may be shared, and may remember.
std::string own_name(scene& s, bus& b, std::string_view lead);

// The arguments of a method that is asked about the box: of_box("a", R"(,"all":true)").
std::string of_box(const std::string& box, std::string_view more = "");

// As dead.list shows them, all pages.
std::vector<boost::json::object> letters(scene& s, bus& b, const std::string& box);

}  // namespace postbus::conformance
