// The bus's own metrics by name: what they are called and what they tell. Values are gathered when somebody asks.
#pragma once

#include <postbus/metrics.hpp>

#include <string_view>

namespace postbus::detail {

struct own_metric {
  metric::kind type;
  const char *name, *help;
};

namespace own {

inline constexpr auto counter = metric::kind::counter, gauge = metric::kind::gauge,
                      histogram = metric::kind::histogram;

inline constexpr own_metric published{counter, "postbus_published_total",
                                      "Events that a transport has confirmed."},
    refused{counter, "postbus_publish_refused_total", "Publishes that failed, by error."},
    publishing{gauge, "postbus_publishes_in_flight", "Asynchronous publishes without their answer."},
    taken_on{counter, "postbus_deliveries_taken_on_total", "Deliveries accepted from transports."},
    deliveries{counter, "postbus_deliveries_total",
               "Deliveries that have ended, by outcome: acked, dropped by a feature, expired, discarded, "
               "dead, given_back, abandoned."},
    started{counter, "postbus_handlers_started_total", "Handlers started, retries included."},
    retried{counter, "postbus_retries_total", "Attempts that ended in a retry."},
    open{gauge, "postbus_deliveries_open",
         "Deliveries taken on and not settled; inline ones that run are not among them."},
    running{gauge, "postbus_handlers_running", "Handlers that run now."},
    waiting{gauge, "postbus_retries_waiting", "Deliveries that wait for their next attempt."},
    delayed{gauge, "postbus_events_delayed", "Events published with a delay that wait in this process."},
    requests{gauge, "postbus_requests_waiting", "Requests that wait for their reply."},
    late_replies{counter, "postbus_replies_late_total", "Replies that nobody waited for any more."},
    handler{histogram, "postbus_handler_seconds", "How long handlers ran; one event in bus.sample_every."},
    end_to_end{histogram, "postbus_end_to_end_seconds",
               "From publish until a handler returned; one event in bus.sample_every."},
    notices{counter, "postbus_notices_total",
            "What transports told subscriptions, by kind: gap, lost, ended."},
    notice_events{counter, "postbus_notice_events_total", "Events that transports said were missed."},
    log_lines{counter, "postbus_log_lines_total", "Log lines written, by level."},
    health{gauge, "postbus_health",
           "State of a component when last heard of: 0 healthy, 1 degraded, 2 unhealthy, 3 error."},
    admin_clients{gauge, "postbus_admin_clients", "Clients of the admin socket."},
    admin_subscriptions{gauge, "postbus_admin_subscriptions", "Their subscriptions, tails included."},
    admin_refused{
        counter, "postbus_admin_refused_total",
        "What the admin socket refused, by what: client (one too many), stranger (another user), line."},
    admin_discarded{counter, "postbus_admin_discarded_events_total", "Copies that a tail had no room for."};

inline constexpr const own_metric* all[] = {&published,     &refused,        &publishing,
                                            &taken_on,      &deliveries,     &started,
                                            &retried,       &open,           &running,
                                            &waiting,       &delayed,        &requests,
                                            &late_replies,  &handler,        &end_to_end,
                                            &notices,       &notice_events,  &log_lines,
                                            &health,        &admin_clients,  &admin_subscriptions,
                                            &admin_refused, &admin_discarded};

}  // namespace own

constexpr bool is_own_metric(std::string_view name) noexcept {
  for (const own_metric* o : own::all)
    if (name == o->name) return true;
  return false;
}

}  // namespace postbus::detail
