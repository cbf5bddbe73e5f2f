#include "completion.hpp"
#include "publish/publish_queue.hpp"

#include <postbus/bus.hpp>

#include <postbus/sdk/hash.hpp>
#include <postbus/sdk/topic.hpp>

namespace postbus {

const publish_options bus::default_options{};

namespace {
void check_thread(detail::engine& engine, const char* what) {
  if (engine.in_handler())
    throw error(error::would_block, std::string(what) + " from a handler of this bus",
                "a thread that may wait", "call it from outside");
}
}  // namespace

topic::topic(std::string_view text) : text_(text), hash_(sdk::hash_bytes(text)) {
  if (const auto fault = sdk::check_topic(text))
    throw error(error::bad_argument, sdk::describe(fault, text), "", "");
}

bus::bus(const config& configuration) : bus(configuration, {}) {}
bus::bus(const config& configuration, boost::asio::any_io_executor executor)
    : engine_(detail::engine::make(configuration, std::move(executor))) {}

bus::~bus() {
  if (engine_ != nullptr) close();
}

receipt bus::publish(std::string_view topic, bytes_view data, const publish_options& options,
                     error_code& ec) noexcept {
  receipt r;
  ec = {};
  engine_->publish({topic, sdk::hash_bytes(topic), data, &options}, ec, r);
  return r;
}
receipt bus::publish(const postbus::topic& topic, bytes_view data, const publish_options& options,
                     error_code& ec) noexcept {
  receipt r;
  ec = {};
  engine_->publish({topic.text(), topic.hash(), data, &options}, ec, r);
  return r;
}
receipt bus::publish(std::string_view topic, bytes_view data, const publish_options& options) {
  error_code ec;
  receipt r = publish(topic, data, options, ec);
  if (ec) throw engine_->explain(ec, topic, data.size());
  return r;
}
receipt bus::publish(const postbus::topic& topic, bytes_view data, const publish_options& options) {
  error_code ec;
  receipt r = publish(topic, data, options, ec);
  if (ec) throw engine_->explain(ec, topic.text(), data.size());
  return r;
}

void bus::publish(std::span<const message> messages, std::span<publish_result> results) noexcept {
  for (publish_result& r : results) r.ec = {};
  engine_->publish(messages, results);
}
std::vector<publish_result> bus::publish(std::span<const message> messages) {
  std::vector<publish_result> results(messages.size());
  publish(messages, results);
  return results;
}

std::size_t bus::cancel_delayed(std::string_view id) { return engine_->delayed.cancel(id); }

bus::prepared_publish bus::prepare(std::string_view topic, bytes_view data, const publish_options& options) {
  return {engine_->prepare(topic, data, options).release(), [](detail::async_publish* p) { delete p; }};
}
void bus::start(prepared_publish publish,
                boost::asio::any_completion_handler<void(error_code, receipt)> handler) {
  publish->handler.swap(handler);  // move assignment of it is broken in Boost 1.81
  detail::engine::start(std::unique_ptr<detail::async_publish>(publish.release()));
}

subscription bus::add(std::string_view pattern, const subscribe_options& options, detail::handler handler) {
  return subscription(engine_->subscribe(pattern, options, std::move(handler)));
}

close_report bus::close(std::chrono::nanoseconds deadline, std::chrono::nanoseconds grace) {
  check_thread(*engine_, "close()");
  return engine_->close(deadline.count(), grace.count());
}
bool bus::wait_until_idle(std::chrono::nanoseconds deadline) {
  check_thread(*engine_, "wait_until_idle()");
  return engine_->wait_until_idle(deadline.count());
}

std::vector<std::string> bus::topics() const { return engine_->topics(); }
std::size_t bus::subscriber_count(std::string_view topic) const { return engine_->subscriber_count(topic); }
std::vector<running_delivery> bus::in_flight() const { return engine_->in_flight(); }
std::size_t bus::request_stop(std::span<const std::pair<std::string_view, std::string_view>> where) {
  return engine_->request_stop(where);
}
std::vector<metric> bus::metrics() const { return engine_->metrics(); }
health bus::health(std::chrono::nanoseconds deadline) {
  check_thread(*engine_, "health()");
  return engine_->health(deadline.count());
}
void bus::set_log_level(log_level level, std::string_view module) { engine_->set_log_level(level, module); }
std::string bus::call(std::string_view method, std::string_view json, std::chrono::nanoseconds deadline) {
  return engine_->call(method, json, deadline.count());
}
void bus::start_call(const std::shared_ptr<detail::engine>& engine, std::string_view method,
                     std::string_view json,
                     boost::asio::any_completion_handler<void(error_code, std::string)> handler) {
  const auto held = std::make_shared<boost::asio::any_completion_handler<void(error_code, std::string)>>(
      std::move(handler));
  const auto tell = [engine = engine.get(), held](error_code ec, std::string text) {
    detail::post_completion(*engine, std::move(*held), ec, std::move(text));
  };
  try {
    engine->start_call(method, json, [tell](std::int32_t status, std::string text) {
      tell(detail::to_error_code(status), std::move(text));
    });
  } catch (const error& e) {
    tell(e.code(), e.what());
  }
}
boost::asio::any_io_executor bus::get_executor() const { return engine_->rt->executor(); }

delivery_counts close_report::total() const {
  delivery_counts sum = earlier;
  for (const entry& e : subscriptions) detail::add_up(sum, e.counts);
  return sum;
}

// ---- subscription

subscription& subscription::operator=(subscription&& other) noexcept {
  if (this != &other) {
    error_code ec;
    unsubscribe(ec);
    state_ = std::move(other.state_);
  }
  return *this;
}
subscription::~subscription() {
  error_code ec;
  unsubscribe(ec);
}
void subscription::unsubscribe() {
  error_code ec;
  unsubscribe(ec);
  if (ec)
    throw error(error::failed, "unsubscribe from '" + std::string(pattern()) + "': " + ec.message(), "", "");
}
void subscription::unsubscribe(error_code& ec) noexcept {
  ec = {};
  if (state_ == nullptr) return;
  const auto owner = state_->owner.shared_from_this();
  owner->retire(state_, {});
  owner->wait_for_handlers(*state_);
}
void subscription::start_unsubscribe(boost::asio::any_completion_handler<void(error_code)> handler) {
  if (state_ == nullptr) return std::move(handler)(error_code{});
  state_->owner.retire(state_, std::move(handler));
}
std::string_view subscription::pattern() const noexcept {
  return state_ != nullptr ? std::string_view(state_->pattern) : "";
}
std::string_view subscription::group() const noexcept {
  return state_ != nullptr ? std::string_view(state_->options.group) : "";
}
delivery_counts subscription::counts() const {
  return state_ != nullptr ? state_->counts() : delivery_counts{};
}

}  // namespace postbus
