// JSON as the data of an event.
#include "engine.hpp"
#include "json.hpp"

#include <postbus/bus.hpp>

namespace postbus {

receipt bus::publish_json(std::string_view topic, const boost::json::value& body,
                          const publish_options& options) {
  const std::string text = boost::json::serialize(body);
  publish_options mine = options;
  if (mine.content_type.empty() && engine_->carries_attributes(topic)) mine.content_type = "application/json";
  return publish(topic, text, mine);
}

boost::json::value delivery::json() const {
  boost::system::error_code ec;
  boost::json::value value = boost::json::parse(text(), ec);
  if (ec) throw reject("the data is no JSON: " + ec.message());
  return value;
}

}  // namespace postbus
