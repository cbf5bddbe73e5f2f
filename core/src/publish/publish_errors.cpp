// What an exception of publish says.
#include "engine/engine.hpp"

#include <postbus/sdk/topic.hpp>

namespace postbus::detail {

error engine::explain(error_code ec, std::string_view topic, std::size_t data_size) {
  std::string detail = std::exchange(threads.mine().detail, {});
  const auto code = static_cast<error::errc>(ec.value());
  if (ec.category() != error_category()) return {error::failed, ec.message(), "", ""};
  const std::string where = "a publish on '" + std::string(topic) + "'";
  const transport_slot& to = *transports[routes.route(topic)];
  switch (code) {
    case error::bad_argument:
      if (!detail.empty()) return {code, where + ": " + detail, "", ""};
      if (const auto fault = sdk::check_topic(topic)) return {code, sdk::describe(fault, topic), "", ""};
      if (sdk::is_reserved(topic))
        return {code, where, "a topic that does not begin with 'postbus', which is reserved", ""};
      return {code,
              where +
                  " with too many headers, a header name that is not a-z, 0-9 or is an attribute's, or a ttl "
                  "that is not above 0",
              "at most 64 headers with names of 1 to 20 lower-case letters and digits, none of them id, "
              "source, type, time, data and the like, nor requeuedto; a ttl above 0, or none",
              ""};
    case error::too_large:
      return {code, std::to_string(data_size) + " bytes of data on '" + std::string(topic) + "'",
              "at most " + std::to_string(to.data_max),
              "send a reference, or raise " + to.path + ".data_max"};
    case error::unsupported:
      if (to.format.codec == codec::raw)
        return {code, where + " with an id, a key, headers, a ttl or another content type",
                "data alone: the codec of [" + to.path + "] is raw", "leave them out, or use another codec"};
      return {code, where, "", detail};
    case error::closed:
      return {code, where, "a bus that is not closed", ""};
    case error::full:
      return {code, where + " that found no room", "room before the deadline",
              "slow down, raise queue_max, or look for a subscription that does not keep up"};
    case error::would_block:
      return {code, where + " from a handler, with no room", "room at once",
              "use async_publish, or publish from another thread"};
    default:
      return {code, detail.empty() ? where : where + ": " + detail, "", ""};
  }
}

}  // namespace postbus::detail
