// JSON as the data of an event.
#include "engine.hpp"
#include "json.hpp"

#include <postbus/bus.hpp>

namespace postbus {
namespace {

// The options of a publish whose data is JSON: it says so, where the codec can.
publish_options as_json(const detail::engine& engine, std::string_view topic, publish_options options) {
  if (options.content_type.empty() && engine.carries_attributes(topic))
    options.content_type = "application/json";
  return options;
}

boost::json::value parse(std::string_view text, std::string& why) {
  boost::system::error_code ec;
  boost::json::value value = boost::json::parse(text, ec);
  if (ec) why = "the data is no JSON: " + ec.message();
  return value;
}

}  // namespace

receipt bus::publish_json(std::string_view topic, const boost::json::value& body,
                          const publish_options& options) {
  return publish(topic, boost::json::serialize(body), as_json(*engine_, topic, options));
}
receipt bus::publish_json(std::string_view topic, const boost::json::value& body,
                          const publish_options& options, error_code& ec) {
  return publish(topic, boost::json::serialize(body), as_json(*engine_, topic, options), ec);
}
receipt delivery::publish_json(std::string_view topic, const boost::json::value& body,
                               const publish_options& options) const {
  return publish(topic, boost::json::serialize(body), as_json(state_->subscription->owner, topic, options));
}

boost::json::value delivery::json() const {
  std::string why;
  boost::json::value value = parse(text(), why);
  if (!why.empty()) throw reject(std::move(why));
  return value;
}

boost::json::value event::json() const {
  std::string why;
  boost::json::value value = parse(text(), why);
  if (!why.empty()) throw error(error::bad_argument, "event " + std::string(id()) + ": " + why, "JSON", "");
  return value;
}

}  // namespace postbus
