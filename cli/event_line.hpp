// event_line: an event, as the object that postbus::to_json() makes of it, as a line for people.
#pragma once

#include <boost/json/object.hpp>

#include <string>

namespace postbus::cli {

// "TOPIC<tab>ID<tab>DATA", with a line end. Data that is no text is shown as base64:….
std::string line_of(const boost::json::object& event);

// Its data, byte for byte.
std::string data_of(const boost::json::object& event);

}  // namespace postbus::cli
