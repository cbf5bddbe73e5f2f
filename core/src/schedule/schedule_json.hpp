// A schedule as JSON: its record in the store, and what the methods take and give.
#pragma once

#include "text/json.hpp"

#include <postbus/schedule.hpp>

#include <string_view>

namespace postbus::detail {

// {"topic", "data" or "data_base64", "every": seconds or "cron", "key", "content_type"}
json::object to_json(const schedule& what);
// Throws error::bad_argument.
schedule schedule_from_json(std::string_view text);

}  // namespace postbus::detail
