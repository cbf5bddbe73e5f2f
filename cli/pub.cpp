// postbus pub: publishes events.
#include "bus_access.hpp"
#include "line_reader.hpp"
#include "progress.hpp"
#include "topic_template.hpp"
#include "units.hpp"

#include <boost/json/parse.hpp>
#include <unistd.h>

#include <iostream>

namespace postbus::cli {
namespace {

using clock = std::chrono::steady_clock;

constexpr manual about{
    "pub",
    "publishes events",
    "One event: TOPIC and DATA; without DATA, or with '-', its data is what standard input holds, and its id "
    "is printed. "
    "With --lines every line of standard input is an event.\n"
    "With --ndjson every line of FILE is a JSON document and an event, whose topic is made from it: in "
    "--topic, {POINTER} is the "
    "value at that JSON pointer (RFC 6901), {POINTER|DEFAULT} says what to take when nothing is there. "
    "Characters that a topic may not "
    "hold become '_'. A line that is no JSON, or has neither value nor default, is reported and skipped; "
    "empty lines are passed "
    "over.\n"
    "It publishes to the running bus when its admin socket answers, else with a bus of its own when the "
    "transport is shared "
    "between processes. Up to 64 events are under way at once.",
    "postbus pub jobs:42:start '{\"task\":\"tests\"}'\n"
    "tar c . | postbus pub backups:home --content-type application/x-tar\n"
    "journalctl -fo cat | postbus pub logs:web --lines\n"
    "postbus pub --ndjson webhooks.ndjson --topic 'github:{/event}:{/payload/repository/name|-}' --rate "
    "100/s",
    "0  every event was published\n1  an event was skipped or failed, or no bus could be reached\n",
    "postbus sub, postbus tail"};

struct pub_options {
  std::string topic, data, ndjson, ndjson_topic, rate;
  bool lines = false;
  outgoing event;  // what all events have
};

class publishing {
 public:
  publishing(const common_options& common, const pub_options& options)
      : common_(common), options_(options), bar_(common.quiet || common.json) {
    if (!options.rate.empty())
      between_ = std::chrono::duration_cast<clock::duration>(
          std::chrono::duration<double>(1 / rate_from(options.rate)));
  }
  exit_status run();

 private:
  void read_all(line_reader& input);
  bool event_of(const line_reader& input, std::string&& line, outgoing& event);
  bool in_time();
  void answered(const published& p);
  // Of an event that was "failed" or "skipped".
  void complain(std::uint64_t line, std::string_view verdict, std::string_view code, const std::string& why);
  void summarize();

  const common_options& common_;
  const pub_options& options_;
  signals signals_;
  progress_bar bar_;
  std::optional<topic_template> template_;
  std::string input_name_, last_id_;
  clock::duration between_{};
  clock::time_point started_ = clock::now(), due_ = started_;
  std::uint64_t published_ = 0, skipped_ = 0, failed_ = 0;
  bool interrupted_ = false;
};

void publishing::complain(std::uint64_t line, std::string_view verdict, std::string_view code,
                          const std::string& why) {
  bar_.clear();
  const std::string place = line > 0 ? input_name_ + ":" + std::to_string(line) : input_name_;
  if (common_.json)
    std::cerr << boost::json::object{{verdict, place}, {"error", {{"code", code}, {"message", why}}}} << '\n';
  else std::cerr << place << ": " << verdict << ": " << why << '\n';
}

void publishing::answered(const published& p) {
  if (!p.fault) {
    ++published_;
    last_id_ = p.id;
    return;
  }
  ++failed_;
  complain(p.tag, "failed", p.fault->code, p.fault->sentence());
}

// Waits until the next event may go; false: interrupted.
bool publishing::in_time() {
  const woken why = wait_for(-1, signals_, between_ > clock::duration(0) ? due_ : clock::time_point());
  due_ = std::max(due_ + between_, clock::now() - between_);
  interrupted_ = why == woken::signalled;
  return !interrupted_;
}

// Makes an event of a line; false: it is skipped.
bool publishing::event_of(const line_reader& input, std::string&& line, outgoing& event) {
  event.data = std::move(line);
  if (!template_) return true;
  boost::system::error_code ec;
  const boost::json::value document = boost::json::parse(event.data, ec);
  topic_template::result topic;
  if (ec) topic.fault = "no JSON (" + ec.message() + ")";
  else topic = template_->fill(document);
  event.topic = std::move(topic.topic);
  if (topic.fault.empty()) return true;
  ++skipped_;
  complain(input.line_number(), "skipped", "bad_argument", topic.fault);
  return false;
}

void publishing::read_all(line_reader& input) {
  const auto access = access_bus(common_, template_ ? template_->pattern() : options_.event.topic);
  const auto to = access->publish([this](const published& p) { answered(p); });
  started_ = due_ = clock::now();
  outgoing event = options_.event;
  std::string line;
  const bool whole = !template_ && !options_.lines;
  for (;;) {
    const auto what = whole ? input.rest(line, signals_) : input.next(line, signals_);
    interrupted_ = what == line_reader::result::interrupted;
    if (what != line_reader::result::line) break;
    if (template_ && line.empty()) continue;
    if (event_of(input, std::move(line), event)) {
      if (!in_time()) break;
      to->submit(input.line_number(), event);
    }
    bar_.show({published_, input.bytes_read(), input.bytes_total(), clock::now() - started_});
    if (whole) break;
  }
  to->drain();
}

void publishing::summarize() {
  bar_.clear();
  const std::chrono::duration<double> took = clock::now() - started_;
  if (common_.json) {
    boost::json::object o{{"published", published_}, {"skipped", skipped_}, {"failed", failed_}};
    o["seconds"] = took.count();
    if (published_ == 1) o["id"] = last_id_;
    return print_json(o);
  }
  if (!template_ && !options_.lines && published_ == 1) print(last_id_ + "\n");
  if (common_.quiet) return;
  std::cerr << published_ << " published, " << skipped_ << " skipped, " << failed_ << " failed in "
            << show_duration(clock::now() - started_) << (interrupted_ ? " (interrupted)" : "") << '\n';
}

exit_status publishing::run() {
  const bool one =
      options_.ndjson.empty() && !options_.lines && !options_.data.empty() && options_.data != "-";
  if (!options_.ndjson.empty()) template_.emplace(options_.ndjson_topic);
  if (one) {
    input_name_ = options_.event.topic;
    const auto access = access_bus(common_, options_.event.topic);
    const auto to = access->publish([this](const published& p) { answered(p); });
    started_ = clock::now();
    outgoing event = options_.event;
    event.data = options_.data;
    to->submit(0, event);
    to->drain();
  } else {
    line_reader input(options_.ndjson.empty() ? "-" : options_.ndjson);
    input_name_ = input.name();
    read_all(input);
  }
  summarize();
  return skipped_ + failed_ == 0 && !interrupted_ ? exit_status::ok : exit_status::failed;
}

void check(pub_options& o) {
  const auto help = "see `postbus pub --help`";
  if (o.ndjson.empty() != o.ndjson_topic.empty())
    throw usage(o.ndjson.empty() ? "--topic without --ndjson" : "--ndjson without --topic",
                "--ndjson FILE and --topic TEMPLATE together", help);
  if (o.ndjson.empty() && o.topic.empty())
    throw usage("no topic", "TOPIC, or --ndjson FILE with --topic TEMPLATE", help);
  if (!o.ndjson.empty() && (!o.topic.empty() || o.lines))
    throw usage("--ndjson together with " + (o.lines ? std::string("--lines") : "the topic " + o.topic),
                "one of the two", help);
  if (o.lines && !o.data.empty() && o.data != "-")
    throw usage("--lines together with DATA", "one of the two", help);
  if (!o.ndjson.empty() && o.event.content_type.empty()) o.event.content_type = "application/json";
  o.event.topic = o.topic;
}

void add_header(pub_options& o, const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    throw usage("--header " + text, "NAME=VALUE, as in --header retry=no", "put a '=' between the two");
  o.event.headers.emplace_back(text.substr(0, equals), text.substr(equals + 1));
}

void add_duration(CLI::App& verb, const char* option, std::optional<std::chrono::nanoseconds>& to,
                  const char* what) {
  verb.add_option_function<std::string>(
          option, [&to](const std::string& value) { to = duration_from(value); }, what)
      ->type_name("DURATION");
}

}  // namespace

void add_pub(CLI::App& app, invocation& i) {
  const auto o = std::make_shared<pub_options>();
  CLI::App& verb = add_verb(app, i, about, [o](const common_options& common) {
    check(*o);
    return publishing(common, *o).run();
  });
  verb.add_option("TOPIC", o->topic, "Segments separated by ':', as in jobs:42:start")->type_name("");
  verb.add_option("DATA", o->data, "The data; '-', or none: what standard input holds")->type_name("");
  verb.add_flag("--lines", o->lines, "Every line of standard input is an event");
  verb.add_option("--ndjson", o->ndjson,
                  "Every line of this file is a JSON document and an event; '-' is standard input")
      ->type_name("FILE");
  verb.add_option("--topic", o->ndjson_topic, "The topic of each line of --ndjson, with placeholders")
      ->type_name("TEMPLATE");
  verb.add_option_function<std::vector<std::string>>(
          "--header",
          [o](const std::vector<std::string>& all) {
            for (const std::string& one : all) add_header(*o, one);
          },
          "A header of the event; the name in lower-case letters and digits; may be repeated")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  verb.add_option("--key", o->event.key, "The ordering key")->type_name("KEY");
  verb.add_option("--id", o->event.id, "The event's id; a UUIDv7 is made without it")->type_name("ID");
  verb.add_option("--content-type", o->event.content_type,
                  "The MIME type of the data; of --ndjson application/json")
      ->type_name("TYPE");
  verb.add_option("--rate", o->rate, "At most so many events a second: 100, or 100/s, 6000/m, 10/h")
      ->type_name("RATE");
  add_duration(verb, "--delay", o->event.delay,
               "Not published before so much time has passed; the running bus keeps it until then");
  add_duration(verb, "--ttl", o->event.ttl, "Not delivered after so much time");
}

}  // namespace postbus::cli
