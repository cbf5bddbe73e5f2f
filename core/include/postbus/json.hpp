// json: an event as a JSON object, in the form that the admin socket and the command line have for it.
#pragma once

#include <postbus/event.hpp>

#include <boost/json/object.hpp>

namespace postbus {

// {topic, id, source, time, key?, content_type?, headers?, data}. time: RFC 3339 in UTC. What has nothing to say is left out; what is no
// UTF-8 has U+FFFD for each byte, but for data, see put_data().
boost::json::object to_json(const event& e);

// Puts the bytes there as "data" when they are UTF-8, else in base64 as "data_base64".
void put_data(boost::json::object& to, bytes_view data);

}  // namespace postbus
