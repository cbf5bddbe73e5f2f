// A running bus, over its admin socket.
#include "bus_access.hpp"

#include <postbus/json.hpp>

#include <set>

namespace postbus::cli {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

std::uint64_t number_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  boost::system::error_code ec;
  const auto number = value != nullptr ? value->to_number<std::uint64_t>(ec) : 0;
  return ec ? 0 : number;
}

json::object arguments_of(const outgoing& e) {
  json::object arguments{{"topic", e.topic}};
  put_data(arguments, e.data);
  if (!e.id.empty()) arguments["id"] = e.id;
  if (!e.key.empty()) arguments["key"] = e.key;
  if (!e.content_type.empty()) arguments["content_type"] = e.content_type;
  if (e.delay) arguments["delay"] = std::to_string(e.delay->count()) + "ns";
  if (e.ttl) arguments["ttl"] = std::to_string(e.ttl->count()) + "ns";
  if (!e.headers.empty()) {
    json::object& headers = arguments["headers"].emplace_object();
    for (const auto& [name, value] : e.headers) headers[name] = value;
  }
  return arguments;
}

class running_publisher final : public publisher {
 public:
  running_publisher(admin_client& client, answered answer) : client_(client), answer_(std::move(answer)) {}

  void submit(std::uint64_t tag, const outgoing& event) override {
    while (open_.size() >= window) take_answer();
    open_.emplace(client_.send("publish", arguments_of(event)), tag);
    client_.read_more();
    while (auto line = client_.received()) take(std::move(*line));
  }

  void drain() override {
    while (!open_.empty()) take_answer();
  }

 private:
  void take_answer() {
    auto line = client_.receive(std::chrono::steady_clock::now() + 60s);
    if (!line)
      throw failed("no answer from bus '" + client_.bus_name() + "' for a minute", "one for each publish",
                   "see what keeps the bus with `postbus health`");
    take(std::move(*line));
  }

  void take(json::object&& line) {
    const auto found = open_.find(number_at(line, "id"));
    if (found == open_.end()) return;
    published p{found->second, "", {}};
    open_.erase(found);
    try {
      const json::value result = result_of(std::move(line));
      if (const auto* o = result.if_object(); o != nullptr && o->contains("id") && o->at("id").is_string())
        p.id = std::string(o->at("id").get_string());
    } catch (const failure& f) {
      p.fault = f.what_happened();
    }
    answer_(p);
  }

  admin_client& client_;
  answered answer_;
  std::map<std::uint64_t, std::uint64_t> open_;  // tags by request
};

class running final : public bus_access {
 public:
  explicit running(std::unique_ptr<admin_client> client) : client_(std::move(client)) {}

  std::string description() const override {
    return "bus '" + client_->bus_name() + "' (pid " + std::to_string(client_->pid()) + ")";
  }
  std::unique_ptr<publisher> publish(publisher::answered answer) override {
    return std::make_unique<running_publisher>(*client_, std::move(answer));
  }
  json::object request(const outgoing& event, std::chrono::nanoseconds timeout) override {
    json::object arguments = arguments_of(event);
    arguments["timeout"] = std::to_string(timeout.count()) + "ns";
    return client_->call("request", std::move(arguments), timeout + 5s).as_object();
  }
  ended consume(const consume_request& request, signals& s, const taker& take) override;

 private:
  std::optional<ended> handle(const json::object& line, const consume_request& request, const taker& take);
  void finish();

  std::unique_ptr<admin_client> client_;
  std::uint64_t subscription_ = 0;
  std::set<std::uint64_t> acks_;  // requests that are not answered yet
};

ended running::consume(const consume_request& request, signals& s, const taker& take) {
  json::object arguments{{"pattern", request.pattern}};
  if (!request.copies) {
    if (!request.group.empty()) arguments["group"] = request.group;
    arguments["prefetch"] = request.prefetch;
  }
  const json::value answer = client_->call(request.copies ? "tail" : "subscribe", std::move(arguments));
  if (const auto* o = answer.if_object()) subscription_ = number_at(*o, "subscription");
  if (request.subscribed) request.subscribed();
  for (;;) {
    while (auto line = client_->received())
      if (const auto end = handle(*line, request, take)) {
        if (*end != ended::bus_closed) finish();
        return *end;
      }
    switch (wait_for(client_->fd(), s, request.limit)) {
      case woken::readable:
        if (!client_->read_more()) client_->lost();
        break;
      case woken::signalled:
        finish();
        return ended::interrupted;
      case woken::timed_out:
        finish();
        return ended::timed_out;
    }
  }
}

// One line of the bus; says when it was the last one that matters.
std::optional<ended> running::handle(const json::object& line, const consume_request& request,
                                     const taker& take) {
  // What has not been acknowledged yet is given back now, so that nothing that follows matters.
  if (line.contains("closing")) return ended::bus_closed;
  if (const json::value* id = line.if_contains("id"); id != nullptr) {
    acks_.erase(number_at(line, "id"));
    // An acknowledgement that came too late: others have the event, and here it was printed all the same.
    if (const json::value* e = line.if_contains("error"); e != nullptr && e->is_object())
      report(problem_of(e->get_object()), false);
    return std::nullopt;
  }
  if (const std::uint64_t lost = number_at(line, "discarded"); lost > 0 && request.discarded)
    request.discarded(lost);
  const json::value* event = line.if_contains("event");
  if (event == nullptr || !event->is_object()) return std::nullopt;
  const appetite left = take(event->get_object());
  if (line.contains("delivery")) acks_.insert(client_->send("ack", {{"delivery", line.at("delivery")}}));
  if (left == appetite::enough) return ended::enough;
  return std::nullopt;
}

// Gives back what was not taken, and waits until the bus has every answer.
void running::finish() {
  client_->call("unsubscribe", {{"subscription", subscription_}});
  const time_limit limit = std::chrono::steady_clock::now() + 10s;
  while (!acks_.empty()) {
    const auto line = client_->receive(limit);
    if (!line) break;
    if (line->contains("id")) acks_.erase(number_at(*line, "id"));
  }
}

}  // namespace

std::unique_ptr<bus_access> running_bus(std::unique_ptr<admin_client> client) {
  return std::make_unique<running>(std::move(client));
}

}  // namespace postbus::cli
