#include "admin_methods.hpp"

#include <postbus/sdk/base64.hpp>
#include <postbus/sdk/names.hpp>

#include <algorithm>

namespace postbus::detail {
namespace {

constexpr std::int64_t call_deadline_ns = 30'000'000'000;
constexpr std::int64_t health_deadline_ns = 1'000'000'000;
constexpr std::int64_t request_timeout_ns = 30'000'000'000;
constexpr std::uint64_t prefetch_max = 65'536;

// ---- publish

struct body {
  std::string decoded;  // where it had to be made
  std::string_view data;
  bool is_json = false;
};

body body_of(const admin_arguments& args) {
  const int given = args.has("data") + args.has("data_base64") + args.has("json");
  if (given != 1)
    throw error(error::bad_argument,
                given == 0 ? "'publish' without data" : "'publish' with data in more than one way",
                "one of data, data_base64, json", "");
  body b;
  if (args.has("data")) {
    b.data = args.text("data");
    return b;
  }
  if (args.has("json")) {
    b.decoded = json::serialize(*args.find("json"));
    b.is_json = true;
  } else {
    auto bytes = sdk::parse_base64(args.text("data_base64"));
    if (!bytes) args.refuse("data_base64", "base64, with its padding");
    b.decoded = std::move(*bytes);
  }
  b.data = b.decoded;
  return b;
}

void publish(const admin_call& call, const admin_arguments& args) {
  const std::string_view topic = args.required_text("topic");
  const body b = body_of(args);
  publish_options options;
  options.id = args.text("id");
  options.key = args.text("key");
  options.content_type = args.text("content_type");
  if (b.is_json && options.content_type.empty() && call.bus.carries_attributes(topic))
    options.content_type = "application/json";
  std::vector<header> headers;
  for (const auto& [name, value] : args.texts("headers")) headers.push_back({name, value});
  options.headers = headers;
  if (const auto deadline = args.duration_ns("deadline"))
    options.deadline = std::chrono::nanoseconds(*deadline);
  if (const auto delay = args.duration_ns("delay")) options.delay = std::chrono::nanoseconds(*delay);
  if (const auto ttl = args.duration_ns("ttl")) options.ttl = std::chrono::nanoseconds(*ttl);
  auto p = call.bus.prepare(topic, b.data, options);
  p->direct = [&bus = call.bus, reply = call.reply, raw = p.get(), where = std::string(topic),
               size = b.data.size()](error_code ec, receipt r) {
    if (ec) {
      bus.threads.mine().detail = raw->detail;
      return reply.fail(bus.explain(ec, where, size));
    }
    json::object result{{"id", json_text(r.id())}};
    if (!r.position().empty()) result["position"] = json_text(r.position());
    reply.result(std::move(result));
  };
  engine::start(std::move(p));
}

void cancel_delayed(const admin_call& call, const admin_arguments& args) {
  call.reply.result(json::object{{"cancelled", call.bus.delayed.cancel(args.required_text("event"))}});
}

void request(const admin_call& call, const admin_arguments& args) {
  const std::string_view topic = args.required_text("topic");
  const body b = body_of(args);
  publish_options options;
  options.content_type = args.text("content_type");
  if (b.is_json && options.content_type.empty()) options.content_type = "application/json";
  std::vector<header> headers;
  for (const auto& [name, value] : args.texts("headers")) headers.push_back({name, value});
  options.headers = headers;
  const std::int64_t timeout = args.duration_ns("timeout").value_or(request_timeout_ns);
  call.bus.replies.start(
      topic, b.data, options, std::chrono::nanoseconds(timeout),
      [reply = call.reply, where = std::string(topic)](error_code ec, event e, std::string why) {
        if (!ec) return reply.result(to_json(e));
        const bool ours = ec.category() == error_category();
        reply.fail(error(ours ? static_cast<error::errc>(ec.value()) : error::failed,
                         "a request on '" + where + "': " + (why.empty() ? ec.message() : why), "", ""));
      });
}

// ---- subscribe

void announce(const admin_call& call, const std::shared_ptr<admin_feed>& feed) {
  call.reply.result(json::object{{"subscription", feed->number}});
  call.client->announce(*feed);  // behind its number
}

void subscribe(const admin_call& call, const admin_arguments& args) {
  subscribe_options options;
  options.group = args.text("group");
  options.transport = args.text("transport");
  options.prefetch =
      static_cast<unsigned>(args.number("prefetch", 1, prefetch_max).value_or(options.prefetch));
  options.concurrency =
      static_cast<unsigned>(args.number("concurrency", 1, 1024).value_or(options.concurrency));
  std::string pattern(args.required_text("pattern"));
  announce(call, admin_client::open(call.client, std::move(pattern), admin_feed::kind::deliveries, options));
}

void tail(const admin_call& call, const admin_arguments& args) {
  std::string pattern(args.has("pattern") ? args.text("pattern") : "**");
  subscribe_options options;
  options.prefetch = 1024;  // where it goes by way of a worker
  announce(call, admin_client::open(call.client, std::move(pattern), admin_feed::kind::copies, options));
}

void unsubscribe(const admin_call& call, const admin_arguments& args) {
  call.client->close(args.required_number("subscription"));
  call.reply.result(json::object());
}

void ack(const admin_call& call, const admin_arguments& args) {
  call.client->take_delivery(args.required_number("delivery")).ack();
  call.reply.result(json::object());
}

void retry(const admin_call& call, const admin_arguments& args) {
  const std::uint64_t number = args.required_number("delivery");
  std::optional<std::chrono::nanoseconds> after;
  if (const auto ns = args.duration_ns("after")) after = std::chrono::nanoseconds(*ns);
  call.client->take_delivery(number).retry(after);
  call.reply.result(json::object());
}

void reject(const admin_call& call, const admin_arguments& args) {
  const std::uint64_t number = args.required_number("delivery");
  const std::string_view reason = args.text("reason");
  call.client->take_delivery(number).reject(reason.empty() ? "a client of the admin socket says so" : reason);
  call.reply.result(json::object());
}

// ---- what is going on

void topics(const admin_call& call, const admin_arguments&) {
  call.reply.result(list_json(call.bus.subscribed_patterns()));
}

void inflight(const admin_call& call, const admin_arguments&) {
  call.reply.result(list_json(call.bus.in_flight()));
}

void stop(const admin_call& call, const admin_arguments& args) {
  if (!args.has("where"))
    throw error(error::bad_argument, "'stop' without where", "{\"where\": {\"user_id\": \"42\"}}",
                "{} asks every running delivery");
  const auto where = args.texts("where");
  call.reply.result(json::object{{"asked", call.bus.request_stop(where)}});
}

void health(const admin_call& call, const admin_arguments&) {
  call.reply.result(to_json(call.bus.health(call.request.deadline_ns.value_or(health_deadline_ns))));
}

void metrics(const admin_call& call, const admin_arguments& args) {
  const std::string_view format = args.has("format") ? args.text("format") : "json";
  if (format != "json" && format != "prometheus") args.refuse("format", "\"json\" or \"prometheus\"");
  const std::vector<metric> all = call.bus.metrics();
  if (format == "json") call.reply.result(list_json(all));
  else call.reply.result(json::object{{"text", json_text(prometheus_text(all))}});
}

void log(const admin_call& call, const admin_arguments& args) {
  static const std::vector<std::string> names{"trace", "debug", "info", "warn", "error", "off"};
  const auto found = std::find(names.begin(), names.end(), args.required_text("level"));
  if (found == names.end()) args.refuse("level", "one of " + sdk::list_of(names));
  call.bus.set_log_level(static_cast<log_level>(found - names.begin()), args.text("module"));
  call.reply.result(json::object());
}

void methods(const admin_call& call, const admin_arguments& args);

struct method {
  std::string name;
  std::vector<std::string> args;
  void (*run)(const admin_call& call, const admin_arguments& args);
  bool may_wait = false;
};

const std::vector<method>& own_methods() {
  static const std::vector<method> all{
      {"publish",
       {"topic", "data", "data_base64", "json", "id", "key", "content_type", "headers", "deadline", "delay",
        "ttl"},
       publish},
      {"cancel_delayed", {"event"}, cancel_delayed, true},
      {"request",
       {"topic", "data", "data_base64", "json", "content_type", "headers", "timeout"},
       request,
       true},
      {"subscribe", {"pattern", "group", "prefetch", "concurrency", "transport"}, subscribe, true},
      {"tail", {"pattern"}, tail, true},
      {"unsubscribe", {"subscription"}, unsubscribe, true},
      {"ack", {"delivery"}, ack},
      {"retry", {"delivery", "after"}, retry},
      {"reject", {"delivery", "reason"}, reject},
      {"topics", {}, topics},
      {"inflight", {}, inflight},
      {"stop", {"where"}, stop, true},  // runs the application's stop callbacks
      {"health", {}, health, true},
      {"metrics", {"format"}, metrics},
      {"log", {"level", "module"}, log},
      {"methods", {}, methods}};
  return all;
}

void methods(const admin_call& call, const admin_arguments&) {
  json::array list;
  for (const method& m : own_methods())
    list.push_back(json::object{{"name", m.name}, {"args", json::array(m.args.begin(), m.args.end())}});
  for (const std::string& name : call.bus.methods())
    list.push_back(
        json::object{{"name", json_text(name)}, {"plugin", json_text(name.substr(0, name.find('.')))}});
  call.reply.result(std::move(list));
}

const method* find_own(std::string_view name) {
  const auto& all = own_methods();
  const auto found = std::find_if(all.begin(), all.end(), [&](const method& m) { return m.name == name; });
  return found != all.end() ? &*found : nullptr;
}

// ---- plugins

// A plugin's answer may be spread over lines, or be none at all.
void pass_on(const admin_reply& reply, const std::string& method, std::int32_t status,
             const std::string& text) {
  if (status != POSTBUS_OK)
    return reply.fail(error(to_code(status), "'" + method + "' says: " + text, "", ""));
  if (text.empty()) return reply.result(json::object());
  boost::system::error_code ec;
  const json::value value = json::parse(text, ec);
  if (ec)
    return reply.fail(error(error::failed, "'" + method + "' answers with what is no JSON: " + ec.message(),
                            "", "this is a fault of the plugin"));
  reply.result(value);
}

void call_plugin(const admin_call& call) {
  const std::string& name = call.request.method;
  call.bus.start_call(name, json::serialize(call.request.args),
                      [reply = call.reply, name](std::int32_t status, std::string text) {
                        pass_on(reply, name, status, text);
                      });
}

[[noreturn]] void refuse_unknown(const admin_call& call) {
  std::vector<std::string> known = call.bus.methods();
  for (const method& m : own_methods()) known.push_back(m.name);
  std::sort(known.begin(), known.end());
  throw error(error::no_such_method, "the method '" + std::string(json_text(call.request.method)) + "'",
              "one of " + sdk::list_of(known),
              sdk::did_you_mean(call.request.method, known, "\"methods\" lists them"));
}

}  // namespace

void admin_reply::result(const json::value& value) const {
  client_->put_answer(request_, "\"result\":" + json::serialize(value) + "}\n");
}
void admin_reply::fail(const error& e) const {
  client_->put_answer(request_, "\"error\":" + json::serialize(to_json(e)) + "}\n");
}

admin_plan plan_of(const engine& bus, const admin_request& request) {
  if (const method* own = find_own(request.method)) {
    if (own->run != &publish) return {own->may_wait, 0};
    // Inline handlers run inside the publish, and take what time they like.
    return {std::any_of(bus.transports.begin(), bus.transports.end(),
                        [](const auto& t) { return t->inline_dispatch; }),
            0};
  }
  return {true, request.deadline_ns.value_or(call_deadline_ns)};
}

void run(admin_call call) noexcept {
  try {
    const std::string& name = call.request.method;
    if (const method* own = find_own(name))
      own->run(call, admin_arguments(name, call.request.args, own->args));
    else if (name.find('.') != std::string::npos) call_plugin(call);
    else refuse_unknown(call);
  } catch (const error& e) {
    call.reply.fail(e);
  } catch (const std::exception& e) {
    call.reply.fail(error(error::failed, std::string("'") + call.request.method + "': " + e.what(), "", ""));
  }
}

}  // namespace postbus::detail
