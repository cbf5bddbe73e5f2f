// admin_json: the bus's own things as JSON, as the admin socket and the command line print them.
#pragma once

#include "engine/engine.hpp"
#include "text/json.hpp"

#include <postbus/error.hpp>
#include <postbus/health.hpp>
#include <postbus/json.hpp>
#include <postbus/metrics.hpp>

#include <chrono>
#include <span>
#include <string>
#include <string_view>

namespace postbus::detail {

// A JSON text is UTF-8: where bytes are not, U+FFFD stands for each.
json::string json_text(std::string_view bytes);

// "2026-03-01T12:00:00.123Z", as RFC 3339 says.
std::string time_text(std::chrono::system_clock::time_point time);

// What {name} of the pattern captured of the topic.
json::object captures_json(std::string_view pattern, std::string_view topic);
json::object to_json(const running_delivery& d);
json::object to_json(const engine::subscribed& s);
json::object to_json(const component_health& c);
json::object to_json(const health& h);
json::object to_json(const metric& m);
// {code, message, found?, wanted?, remedy?}
json::object to_json(const error& e);

template <class T>
json::array list_json(const T& things) {
  json::array list;
  for (const auto& thing : things) list.push_back(to_json(thing));
  return list;
}

}  // namespace postbus::detail
