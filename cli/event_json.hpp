// event_json: an event as the object that the admin protocol has for it, and as a line for people.
#pragma once

#include <postbus/delivery.hpp>

#include <boost/json/object.hpp>

#include <string>

namespace postbus::cli {

// {topic, id, source, time, key?, content_type?, headers?, data | data_base64}
boost::json::object to_json(const delivery& d);

// Puts `data` there as "data", or as "data_base64" when it is no text.
void put_data(boost::json::object& object, std::string_view data);

// "TOPIC<tab>ID<tab>DATA", with a line end. Data that is no text is shown as base64:….
std::string line_of(const boost::json::object& event);

}  // namespace postbus::cli
