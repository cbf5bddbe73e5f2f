// postbus sub: prints events and acknowledges them.
#include "bus_access.hpp"
#include "event_line.hpp"
#include "units.hpp"

#include <algorithm>
#include <iostream>

namespace postbus::cli {
namespace {

constexpr manual about{
    "sub",
    "prints events and acknowledges them",
    "Subscribes to PATTERN and prints each event on a line: topic, id and data, separated by tabs; line "
    "ends, tabs and backslashes in "
    "the data as \\n, \\t and \\\\, data that is no text as base64:…. With --json the event is an object. An "
    "event is acknowledged "
    "when its line is written; what was not printed goes to others. It says on standard error when it has "
    "subscribed, and ends at a "
    "signal, after --count events, when --timeout is over, or with the bus.\n"
    "It uses the running bus when its admin socket answers, else a bus of its own when the transport is "
    "shared between processes. To "
    "look on without taking part, use postbus tail.",
    "postbus sub 'github:push:*'\n"
    "postbus sub 'jobs:**' --group workers --prefetch 1 --json | while read -r event; do …; done\n"
    "postbus sub 'done:42' --count 1 --timeout 30s",
    "0  ended by a signal, by --count, by the end of the bus, or by --timeout without --count\n"
    "1  fewer events than --count came\n",
    "postbus pub, postbus tail, postbus inflight"};

struct sub_options {
  std::string pattern, group, timeout;
  std::uint64_t count = 0;
  unsigned prefetch = 0;
};

// Ends alike for sub and tail: what is said, and the exit status.
exit_status conclude(ended why, std::uint64_t printed, std::uint64_t wanted, const common_options& common) {
  if (why == ended::bus_closed && !common.quiet) std::cerr << "postbus: the bus has closed\n";
  if (wanted == 0 || why == ended::enough || why == ended::interrupted) return exit_status::ok;
  throw failed(std::to_string(printed) + " events until " +
                   (why == ended::timed_out ? "--timeout was over" : "the bus closed"),
               std::to_string(wanted), "");
}

exit_status consume(const common_options& common, consume_request request, std::uint64_t count) {
  signals s;
  const auto access = access_bus(common, request.pattern);
  request.subscribed = [&] {
    if (!common.quiet)
      std::cerr << (request.copies ? "watching " : "subscribed to ") << request.pattern
                << (request.group.empty() ? "" : " in group " + request.group) << " on "
                << access->description() << std::endl;
  };
  request.discarded = [&](std::uint64_t lost) {
    std::cerr << "postbus: " << lost
              << " events were discarded, for they came faster than they could be printed\n";
  };
  std::uint64_t printed = 0;
  const ended why = access->consume(request, s, [&](const boost::json::object& event) {
    if (common.json) print_json(event);
    else print(line_of(event));
    return ++printed == count ? appetite::enough : appetite::more;
  });
  return conclude(why, printed, count, common);
}

exit_status sub(const common_options& common, const sub_options& o) {
  consume_request request;
  request.pattern = o.pattern;
  request.group = o.group;
  // Who wants two events takes no more from the others of the group.
  request.prefetch = o.prefetch > 0 ? o.prefetch
                     : o.count > 0  ? static_cast<unsigned>(std::min<std::uint64_t>(o.count, 64))
                                    : 64;
  if (!o.timeout.empty()) request.limit = std::chrono::steady_clock::now() + duration_from(o.timeout);
  return consume(common, std::move(request), o.count);
}

constexpr manual about_tail{"tail",
                            "prints copies of the events that pass, without taking part",
                            "As postbus sub, but what it prints are copies: nothing waits for it, nothing is "
                            "acknowledged, and when it is too slow for the bus, "
                            "events are discarded and their number is reported on standard error.",
                            "postbus tail\npostbus tail 'agent:*:42' --json --count 10",
                            "",
                            "postbus sub"};

}  // namespace

void add_sub(CLI::App& app, invocation& i) {
  const auto o = std::make_shared<sub_options>();
  CLI::App& verb = add_verb(app, i, about, [o](const common_options& common) { return sub(common, *o); });
  verb.add_option("PATTERN", o->pattern, "Topics: '*' is one segment, '**' at the end any number, {name} one")
      ->type_name("")
      ->required();
  verb.add_option("-g,--group", o->group, "Shares the events with all subscriptions of this group")
      ->type_name("NAME");
  verb.add_option("-n,--count", o->count, "Ends after so many events")->type_name("N");
  verb.add_option("-t,--timeout", o->timeout, "Ends after this time")->type_name("DURATION");
  verb.add_option("--prefetch", o->prefetch,
                  "Events taken at once and not acknowledged yet, at most (64, or --count if that is less)")
      ->type_name("N")
      ->check(CLI::Range(1U, 1U << 20).description(""));
}

void add_tail(CLI::App& app, invocation& i) {
  const auto o = std::make_shared<sub_options>();
  o->pattern = "**";
  CLI::App& verb = add_verb(app, i, about_tail, [o](const common_options& common) {
    consume_request request;
    request.pattern = o->pattern;
    request.copies = true;
    return consume(common, std::move(request), o->count);
  });
  verb.add_option("PATTERN", o->pattern, "Topics, as for postbus sub")->type_name("")->capture_default_str();
  verb.add_option("-n,--count", o->count, "Ends after so many events")->type_name("N");
}

}  // namespace postbus::cli
