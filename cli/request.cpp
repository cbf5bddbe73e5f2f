// postbus request: asks, and prints the reply.
#include "bus_access.hpp"
#include "event_line.hpp"
#include "units.hpp"

namespace postbus::cli {
namespace {

constexpr manual about{
    "request",
    "publishes a request and prints the reply",
    "Publishes DATA on TOPIC, waits for what a handler replies, and prints the reply's data; with --json the "
    "whole event. It uses the running bus when its admin socket answers, else a bus of its own when the "
    "transport is shared between processes.",
    "postbus request prices:tea '{\"amount\":2}' --timeout 2s",
    "0  the reply was printed\n1  no reply in time, or the reply is an error\n",
    "postbus pub, postbus sub"};

struct request_options {
  outgoing event;
  std::string timeout = "30s";
};

exit_status request(const common_options& common, const request_options& o) {
  const auto timeout = duration_from(o.timeout);
  const boost::json::object reply = access_bus(common, o.event.topic)->request(o.event, timeout);
  if (common.json) print_json(reply);
  else print(data_of(reply) + "\n");
  return exit_status::ok;
}

}  // namespace

void add_request(CLI::App& app, invocation& i) {
  const auto o = std::make_shared<request_options>();
  CLI::App& verb = add_verb(app, i, about, [o](const common_options& common) { return request(common, *o); });
  verb.add_option("TOPIC", o->event.topic, "Whom to ask")->type_name("")->required();
  verb.add_option("DATA", o->event.data, "The data of the request")->type_name("");
  verb.add_option("--content-type", o->event.content_type, "The MIME type of the data")->type_name("TYPE");
  verb.add_option("-t,--timeout", o->timeout, "How long to wait for the reply")
      ->type_name("DURATION")
      ->capture_default_str();
}

}  // namespace postbus::cli
