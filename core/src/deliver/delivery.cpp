#include "engine/engine.hpp"
#include "settlement_access.hpp"

#include <postbus/delivery.hpp>

#include <postbus/sdk/topic.hpp>

#include <boost/asio/post.hpp>

namespace postbus {
namespace {

std::vector<header> headers_of(const postbus_event& event) {
  std::vector<header> all;
  for (const postbus_pair& p : std::span{event.headers, event.header_count})
    all.push_back({sdk::view(p.name), sdk::view(p.value)});
  return all;
}

std::string_view id_of(const postbus_event* event) noexcept {
  detail::event_record::of(event).fill();
  return sdk::view(event->id);
}

std::chrono::system_clock::time_point time_of(const postbus_event* event) noexcept {
  detail::event_record::of(event).fill();
  return std::chrono::system_clock::time_point(
      std::chrono::duration_cast<std::chrono::system_clock::duration>(
          std::chrono::nanoseconds(event->time_ns)));
}

bytes_view data_of(const postbus_event* event) noexcept { return {event->data.ptr, event->data.len}; }

}  // namespace

// ---- event

event::event(const event& other) noexcept : raw_(other.raw_) {
  if (raw_ != nullptr) detail::event_record::of(raw_).keep();  // a kept event: a counter
}
event& event::operator=(event other) noexcept { return std::swap(raw_, other.raw_), *this; }
event::~event() {
  if (raw_ != nullptr) detail::event_record::of(raw_).release();
}
std::string_view event::topic() const noexcept { return sdk::view(raw_->topic); }
std::string_view event::id() const noexcept { return sdk::view(raw_->id); }
std::string_view event::source() const noexcept { return sdk::view(raw_->source); }
std::string_view event::key() const noexcept { return sdk::view(raw_->key); }
std::string_view event::content_type() const noexcept { return sdk::view(raw_->content_type); }
bytes_view event::data() const noexcept { return data_of(raw_); }
std::chrono::system_clock::time_point event::time() const noexcept { return time_of(raw_); }
std::optional<std::string_view> event::header(std::string_view name) const noexcept {
  return sdk::header(*raw_, name);
}
std::vector<header> event::headers() const { return headers_of(*raw_); }

std::string receipt::id() const {
  if (!given_id_.empty()) return given_id_;
  auto id = uuid_;
  if (seeded_at_ns_ != 0) {
    std::uint64_t seed[2];
    std::memcpy(seed, uuid_.data(), sizeof seed);
    id = detail::make_uuid(seeded_at_ns_,
                           sdk::hash_bytes({reinterpret_cast<const char*>(seed), sizeof seed}, 1),
                           sdk::hash_bytes({reinterpret_cast<const char*>(seed), sizeof seed}, 2));
  }
  char text[36];
  detail::format_uuid(id, text);
  return {text, sizeof text};
}

// ---- delivery

std::string_view delivery::topic() const noexcept { return sdk::view(state_->event->topic); }
std::string_view delivery::id() const noexcept { return id_of(state_->event); }
std::string_view delivery::source() const noexcept { return sdk::view(state_->event->source); }
std::string_view delivery::key() const noexcept { return sdk::view(state_->event->key); }
std::string_view delivery::content_type() const noexcept { return sdk::view(state_->event->content_type); }
bytes_view delivery::data() const noexcept { return data_of(state_->event); }
std::chrono::system_clock::time_point delivery::time() const noexcept { return time_of(state_->event); }
std::optional<std::string_view> delivery::header(std::string_view name) const noexcept {
  return sdk::header(*state_->event, name);
}
std::vector<header> delivery::headers() const { return headers_of(*state_->event); }

std::string_view delivery::param(std::string_view name) const noexcept {
  std::string_view found;
  sdk::captures(state_->subscription->pattern, topic(), [&](std::string_view n, std::string_view value) {
    if (n == name) found = value;
  });
  return found;
}

unsigned delivery::attempt() const noexcept { return state_->attempt; }
std::string_view delivery::position() const noexcept {
  return state_->is_item ? std::string_view(static_cast<const detail::item*>(state_)->position)
                         : std::string_view();
}
event delivery::event() const { return postbus::event(detail::event_record::of(state_->event).keep()); }
bool delivery::stop_requested() const noexcept { return state_->stop_requested(); }
std::stop_token delivery::stop_token() const { return state_->make_stop_source().get_token(); }

settlement delivery::defer() const {
  if (state_->deferred)
    throw error(error::already_settled, "a second defer() of one delivery", "one",
                "keep the first settlement");
  detail::item& i = state_->subscription->promote(*state_);
  // Who is asked to stop is the item; an inline handler that goes on beside it hears of it too.
  if (!state_->is_item) i.stop.store(new std::stop_source(state_->make_stop_source()));
  i.keep();                       // the settlement's
  if (state_->is_item) i.keep();  // the runner's, which looks at it once more after the handler
  state_->deferred = true;
  state_->subscription->took_along(i);
  return settlement(&i);
}

receipt delivery::publish(std::string_view topic, bytes_view data, const publish_options& options) const {
  error_code ec;
  receipt r = publish(topic, data, options, ec);
  if (ec) throw state_->subscription->owner.explain(ec, topic, data.size());
  return r;
}

receipt delivery::publish(std::string_view topic, bytes_view data, const publish_options& options,
                          error_code& ec) const noexcept {
  receipt r;
  try {
    publish_options mine = options;
    std::vector<postbus::header> all(options.headers.begin(), options.headers.end());
    const auto inherit = [&](std::string_view name, std::optional<std::string_view> value) {
      for (const postbus::header& h : all)
        if (h.name == name) return;  // the caller knows better
      if (value) all.push_back({name, *value});
    };
    detail::engine& owner = state_->subscription->owner;
    if (owner.carries_attributes(topic)) {
      inherit("causationid", id());
      inherit("correlationid", header("correlationid").value_or(id()));
      inherit("traceparent", header("traceparent"));
    }
    mine.headers = all;
    owner.publish({topic, sdk::hash_bytes(topic), data, &mine, state_}, ec, r);
  } catch (const std::bad_alloc&) {
    ec = make_error_code(boost::system::errc::not_enough_memory);
  }
  return r;
}

namespace {
void answer(const detail::delivery_state& request, bytes_view data, std::string_view content_type,
            std::optional<std::string_view> failed) {
  error_code ec;
  request.subscription->owner.reply(request, data, content_type, failed, ec);
  if (ec == error::bad_argument)
    throw error(
        error::bad_argument,
        "a reply to an event on '" + std::string(sdk::view(request.event->topic)) + "' that asks for none",
        "a request: an event with the header replyto", "");
  if (ec) throw request.subscription->owner.explain(ec, sdk::view(request.event->topic), data.size());
}
}  // namespace

void delivery::reply(bytes_view data, std::string_view content_type) const {
  answer(*state_, data, content_type, {});
}
void delivery::reply_error(std::string_view why) const { answer(*state_, {}, {}, why); }
void settlement::reply(bytes_view data, std::string_view content_type) const {
  answer(*state_, data, content_type, {});
}
void settlement::reply_error(std::string_view why) const { answer(*state_, {}, {}, why); }

namespace {
void keep_leased(detail::delivery_state& state, std::chrono::nanoseconds lease) {
  if (lease < detail::leases::shortest)
    throw error(error::bad_argument, "a lease extended by less than a second", "1 s or more", "");
  if (state.is_item && !state.subscription->extend(static_cast<detail::item&>(state), lease))
    throw error(error::lease_lost, "extend() of a delivery that others have", "one whose lease runs", "");
}
}  // namespace

void delivery::extend(std::chrono::nanoseconds lease) const { keep_leased(*state_, lease); }
void settlement::extend(std::chrono::nanoseconds lease) const { keep_leased(*state_, lease); }

// ---- settlement

settlement::~settlement() {
  if (state_ == nullptr) return;
  error_code ec;
  retry({}, ec);
  static_cast<detail::item*>(state_)->release();
}

static void settle(detail::delivery_state* state, detail::verdict v, error_code& ec) noexcept {
  auto* i = static_cast<detail::item*>(state);
  if (i == nullptr || i->answered.exchange(true)) {
    ec = make_error_code(i != nullptr && i->lost ? error::lease_lost : error::already_settled);
    return;
  }
  ec = {};
  i->subscription->settle_deferred(*i, v);
}

static void settle_or_throw(detail::delivery_state* state, detail::verdict v) {
  error_code ec;
  settle(state, std::move(v), ec);
  if (ec == error::lease_lost)
    throw error(error::lease_lost, "an answer for a delivery that was taken back", "one in time",
                "the event went to others, or is retried");
  if (ec) throw error(error::already_settled, "a second answer for one delivery", "one", "");
}

void settlement::ack() { settle_or_throw(state_, {detail::verdict::ack, {}, {}}); }
void settlement::ack(error_code& ec) noexcept { settle(state_, {detail::verdict::ack, {}, {}}, ec); }
void settlement::start_ack(boost::asio::any_completion_handler<void(error_code)> handler) {
  auto* i = static_cast<detail::item*>(state_);
  if (i == nullptr || i->answered.exchange(true)) {
    const auto ec = make_error_code(i != nullptr && i->lost ? error::lease_lost : error::already_settled);
    return boost::asio::post([h = std::move(handler), ec]() mutable { std::move(h)(ec); });
  }
  i->confirm = std::make_unique<detail::confirmation>(std::move(handler));
  i->subscription->settle_deferred(*i, {detail::verdict::ack, {}, {}});
}
void settlement::retry(std::optional<std::chrono::nanoseconds> after) {
  settle_or_throw(state_, {detail::verdict::retry, after, "the handler asked for a retry"});
}
void settlement::retry(std::optional<std::chrono::nanoseconds> after, error_code& ec) noexcept {
  settle(state_, {detail::verdict::retry, after, "the settlement was dropped, or asked for a retry"}, ec);
}
void settlement::reject(std::string_view reason) {
  settle_or_throw(state_, {detail::verdict::dead, {}, std::string(reason)});
}
void settlement::reject(std::string_view reason, error_code& ec) noexcept {
  settle(state_, {detail::verdict::dead, {}, std::string(reason)}, ec);
}
void detail::settlement_access::give_back(settlement answer) noexcept {
  auto* i = static_cast<item*>(answer.state_);
  if (i != nullptr && !i->answered.exchange(true)) i->subscription->give_back_deferred(*i);
}
bool settlement::stop_requested() const noexcept { return state_->stop_requested(); }
std::stop_token settlement::stop_token() const { return state_->make_stop_source().get_token(); }
event settlement::event() const { return postbus::event(detail::event_record::of(state_->event).keep()); }

}  // namespace postbus
