// bus_access: the bus that a subcommand publishes to and consumes from: a running one, over its admin socket, or one of the command's
// own on the same transport. The subcommands do not know which.
#pragma once

#include "admin_client.hpp"
#include "command_line.hpp"
#include "signals.hpp"

#include <postbus/config.hpp>

#include <boost/json/object.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace postbus::cli {

// One event to be published.
struct outgoing {
  std::string topic, data;
  std::string id, key, content_type;
  std::optional<std::chrono::nanoseconds> delay, ttl;
  std::vector<std::pair<std::string, std::string>> headers;
};

// What became of one.
struct published {
  std::uint64_t tag = 0;  // as given to submit()
  std::string id;
  std::optional<problem> fault;
};

// Publishes with up to 64 events under way.
class publisher {
 public:
  static constexpr std::size_t window = 64;
  using answered = std::function<void(const published&)>;

  virtual ~publisher() = default;
  // Sends it, having waited for room in the window. Answers that have come meanwhile are told from inside. Throws failure when the bus
  // cannot be reached any more; then no answer comes for what is under way.
  virtual void submit(std::uint64_t tag, const outgoing& event) = 0;
  // Waits for all answers.
  virtual void drain() = 0;
};

struct consume_request {
  std::string pattern, group;
  unsigned prefetch = 64;
  bool copies = false;               // tail: a copy of what passes, not a delivery that waits for an answer
  time_limit limit{};                // when to give up
  std::function<void()> subscribed;  // called once, when events that are published from now on will come
  std::function<void(std::uint64_t)> discarded;  // a tail lost this many, for it was too slow
};

// Whether the consumer wants another event.
enum class appetite { more, enough };
// Why consuming ended.
enum class ended { enough, timed_out, interrupted, bus_closed };

class bus_access {
 public:
  using taker = std::function<appetite(const boost::json::object& event)>;
  virtual ~bus_access() = default;
  // "bus 'fleet' (pid 42)", "a bus of its own on hub".
  virtual std::string description() const = 0;
  virtual std::unique_ptr<publisher> publish(publisher::answered answer) = 0;
  // Publishes a request and returns its reply, as an event; what goes wrong, no reply in time among it, is a failure.
  virtual boost::json::object request(const outgoing& event, std::chrono::nanoseconds timeout) = 0;
  // Calls `take` for each event, one at a time; when it has returned the event is acknowledged. What `take` throws ends it and passes
  // through; that event is not acknowledged.
  virtual ended consume(const consume_request& request, signals& s, const taker& take) = 0;
};

// The running bus if its admin socket answers; else one of our own if the transports are shared between processes over which topics of the
// pattern go. Throws failure when neither is possible.
std::unique_ptr<bus_access> access_bus(const common_options& options, std::string_view pattern);

std::unique_ptr<bus_access> running_bus(std::unique_ptr<admin_client> client);
std::unique_ptr<bus_access> own_bus(const config& c, std::string transports);

// The running bus. Throws failure when there is none that answers.
std::unique_ptr<admin_client> require_running_bus(const common_options& options);

}  // namespace postbus::cli
