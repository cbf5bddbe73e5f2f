// json_fields: reading the answers of a bus, whatever they hold: what is missing or of another kind is empty.
#pragma once

#include <boost/json/object.hpp>

#include <string>

namespace postbus::cli {

// A text as it is, anything else as JSON; empty when there is nothing.
std::string text_at(const boost::json::object& object, std::string_view key);
double number_at(const boost::json::object& object, std::string_view key);
bool true_at(const boost::json::object& object, std::string_view key);
// The list it is, or has there; empty when there is none.
const boost::json::array& list_at(const boost::json::value& value, std::string_view key);
const boost::json::array& list_at(const boost::json::object& object, std::string_view key);
// The object it is, or an empty one.
const boost::json::object& as_object(const boost::json::value& value);

}  // namespace postbus::cli
