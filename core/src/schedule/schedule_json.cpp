#include "schedule_json.hpp"

#include "admin/admin_request.hpp"

#include <postbus/event.hpp>
#include <postbus/json.hpp>

#include <postbus/sdk/base64.hpp>

namespace postbus::detail {

json::object to_json(const schedule& what) {
  json::object o{{"topic", what.topic}};
  put_data(o, what.data);
  if (what.every.count() != 0) o["every"] = std::to_string(what.every.count()) + "s";
  if (!what.cron.empty()) o["cron"] = what.cron;
  if (!what.key.empty()) o["key"] = what.key;
  if (!what.content_type.empty()) o["content_type"] = what.content_type;
  return o;
}

schedule schedule_from_json(std::string_view text) {
  boost::system::error_code ec;
  const json::value value = json::parse(text, ec);
  if (ec || !value.is_object())
    throw error(error::bad_argument, "a schedule that is no JSON object", "one", "");
  const admin_arguments args(
      "schedule", value.get_object(),
      {"name", "topic", "data", "data_base64", "every", "cron", "key", "content_type"});
  schedule what;
  what.topic = args.required_text("topic");
  what.data = args.text("data");
  if (args.has("data_base64")) {
    auto bytes = sdk::parse_base64(args.text("data_base64"));
    if (!bytes) args.refuse("data_base64", "base64, with its padding");
    what.data = std::move(*bytes);
  }
  if (const auto every = args.duration_ns("every")) {
    if (*every % 1'000'000'000 != 0) args.refuse("every", "whole seconds");
    what.every = std::chrono::seconds(*every / 1'000'000'000);
  }
  what.cron = args.text("cron");
  what.key = args.text("key");
  what.content_type = args.text("content_type");
  return what;
}

}  // namespace postbus::detail
