// JSON as the data of an event, and an event as JSON.
#include "admin/admin_json.hpp"
#include "engine/engine.hpp"
#include "text/json.hpp"

#include <postbus/bus.hpp>
#include <postbus/json.hpp>

#include <postbus/sdk/base64.hpp>
#include <postbus/sdk/text.hpp>

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

void put_data(boost::json::object& to, bytes_view data) {
  if (sdk::is_utf8(data.text())) {
    to["data"] = data.text();
  } else {
    std::string text;
    sdk::append_base64(text, data.text());
    to["data_base64"] = text;
  }
}

boost::json::object to_json(const event& e) {
  using detail::json_text;
  boost::json::object o{{"topic", json_text(e.topic())},
                        {"id", json_text(e.id())},
                        {"source", json_text(e.source())},
                        {"time", detail::time_text(e.time())}};
  if (!e.key().empty()) o["key"] = json_text(e.key());
  if (!e.content_type().empty()) o["content_type"] = json_text(e.content_type());
  if (const auto headers = e.headers(); !headers.empty()) {
    boost::json::object& named = o["headers"].emplace_object();
    for (const header& h : headers) named[json_text(h.name)] = json_text(h.value);
  }
  put_data(o, e.data());
  return o;
}

}  // namespace postbus
