// Replying: the answer to a request goes to the topic that the request names, on the transport that the request came by, and expires
// with it.
#include "deliver/delivery_state.hpp"
#include "engine/engine.hpp"

#include <postbus/sdk/topic.hpp>

namespace postbus::detail {

void engine::reply(const delivery_state& request, bytes_view data, std::string_view content_type,
                   std::optional<std::string_view> failed, error_code& ec) noexcept {
  try {
    const postbus_event& asked = *request.event;
    const auto to = sdk::header(asked, replyto_header);
    if (!to || !to->starts_with(reply_prefix) || sdk::check_topic(*to)) {
      ec = make_error_code(error::bad_argument);
      return;
    }
    event_record::of(&asked).fill();
    std::vector<header> headers{
        {"causationid", sdk::view(asked.id)},
        {"correlationid", sdk::header(asked, "correlationid").value_or(sdk::view(asked.id))}};
    if (const auto trace = sdk::header(asked, "traceparent")) headers.push_back({"traceparent", *trace});
    if (failed) headers.push_back({replyerror_header, *failed});
    publish_options options;
    options.headers = headers;
    options.content_type = content_type;
    if (asked.expires_ns != 0)
      options.ttl = std::chrono::nanoseconds(std::max<std::int64_t>(1, asked.expires_ns - rt->wall_ns()));
    publish_own(*to, data, options, request.from->to, ec);
  } catch (const std::bad_alloc&) {
    ec = make_error_code(boost::system::errc::not_enough_memory);
  }
}

// What the bus itself says goes past the features, and over the transport that is given. Nobody waits for its answer: what fails is
// logged.
void engine::publish_own(std::string_view topic, bytes_view data, const publish_options& options,
                         transport_slot& to, error_code& ec) {
  if (state.load() == phase::closed) return void(ec = make_error_code(error::closed));
  if (!check({topic, 0, data, &options}, to, ec)) return;
  std::vector<postbus_pair> pairs(options.headers.size());
  lent_event event;
  compose(threads.mine(), event, {topic, 0, data, &options}, pairs.data());
  auto p = std::make_unique<async_publish>(shared_from_this());
  p->event = event.keep();
  p->to = &to;
  p->deadline_ns = rt->now_ns() + options.deadline.count();
  p->direct = [this, raw = p.get()](error_code failed, receipt) {
    if (failed)
      log->burst(POSTBUS_LOG_WARN, "bus", "own " + raw->to->name,
                 "an event on '" + std::string(sdk::view(raw->event->topic)) + "' was not published on [" +
                     raw->to->path + "]: " + failed.message());
  };
  publishing.fetch_add(1);
  hand_over(std::move(p));
}

void engine::publish_own(event_record& event, std::function<void(error_code, receipt)> done) {
  auto p = std::make_unique<async_publish>(shared_from_this());
  p->event = event.keep();
  p->to = transports[routes.route(sdk::view(event.topic))].get();
  p->deadline_ns = rt->now_ns() + 30'000'000'000;
  p->direct = std::move(done);
  publishing.fetch_add(1);
  hand_over(std::move(p));
}

}  // namespace postbus::detail
