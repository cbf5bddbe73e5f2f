// What is declared is there, and what is not is refused: row 28.
#include "all_rows.hpp"

#include <postbus/conformance/scene.hpp>

namespace postbus::conformance {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t events = 1000;

// Subscribes with the option while `deliver` is to happen; or says how it was refused.
class trial {
 public:
  trial(scene& s, bus& b) : s_(s), b_(b) {}

  // Either `use` does not throw, or error::unsupported; as the capability says.
  void option(std::string_view capability, const std::function<void()>& use) {
    const bool is_refused = s_.supplied(capability) == capability_info::how::refused;
    const std::string lead = "'" + std::string(capability) + "' is declared " +
                             (is_refused ? "absent, so that asking for it is refused as unsupported"
                                         : "present, so that asking for it works");
    try {
      use();
      s_.expect(!is_refused, lead + "; it was taken");
    } catch (const error& e) {
      s_.expect(is_refused && e.code() == error::unsupported, lead + "; saw: " + e.what());
    }
  }
  // Two subscriptions with the options; each event comes so many times in all.
  void deliveries(std::string_view capability, std::string_view pattern, const subscribe_options& o,
                  std::size_t times) {
    option(capability, [&] {
      std::atomic<std::size_t> got{0};
      const auto handle = [&](const delivery&) { ++got; };
      const auto one = b_.subscribe(pattern, handle, o), other = b_.subscribe(pattern, handle, o);
      for (std::size_t n = 0; n < events; ++n) s_.publish(b_, "honest:" + std::to_string(n % 2), "x");
      s_.await([&] { return got >= times; });
      s_.settle_down();
      s_.expect_equal(got.load(), times,
                      "deliveries of a thousand events, with '" + std::string(capability) + "'");
    });
  }
  void publish_with(std::string_view capability, const publish_options& o) {
    option(capability, [&] {
      std::atomic<bool> came{false};
      const auto sub = b_.subscribe("honest:publish", [&](const delivery&) { came = true; });
      b_.publish("honest:publish", "x", o);
      s_.wait_until([&] { return came.load(); }, "an event with '" + std::string(capability) + "' arrives");
    });
  }
  void subscribe_with(std::string_view capability, const std::function<void(subscribe_options&)>& set) {
    option(capability, [&] {
      subscribe_options o;
      set(o);
      std::atomic<unsigned> attempts{0};
      const auto sub = b_.subscribe(
          "honest:subscribe",
          [&](const delivery& d) {
            attempts = d.attempt();
            if (d.attempt() == 1) throw retry(1ms);
          },
          o);
      b_.publish("honest:subscribe", "x");
      s_.wait_until([&] { return attempts == 2; },
                    "an event comes again, with '" + std::string(capability) + "'");
    });
  }

 private:
  scene& s_;
  bus& b_;
};

void declared_is_there(scene& s) {
  bus& b = s.open();
  trial t(s, b);
  subscribe_options group;
  group.group = "honest";
  if (s.supplied("patterns") != capability_info::how::refused) {
    t.deliveries("groups", "honest:*", group, events);
    t.deliveries("patterns", "honest:{which}", {}, 2 * events);
    t.deliveries("patterns", "honest:**", {}, 2 * events);
  } else {
    t.deliveries("groups", "honest:0", group, events / 2);
    t.deliveries("patterns", "honest:*", {}, 2 * events);
  }
  t.subscribe_with("retry and backoff", [](auto& o) { o.backoff = {1ms, 1, 1ms}; });
  t.subscribe_with("parking", [](auto& o) { o.park_max = {1, 1}; });
  t.subscribe_with("order by key", [](auto& o) { o.ordered_by = "id"; });
  t.subscribe_with("handler time-out", [](auto& o) { o.handler_timeout = 1min; });
  t.subscribe_with("dead letters", [](auto& o) { o.dead_letters = dead_letter_policy::keep; });
  t.subscribe_with("delivery lease", [](auto& o) { o.lease = 1min; });
  publish_options with_id, delayed;
  with_id.id = "mine";
  with_id.ttl = 1h;
  with_id.key = "k";
  t.publish_with("ids, headers, ordering key, ttl", with_id);
  delayed.delay = 1ms;
  t.publish_with("delay", delayed);
}

void from_is_honest(scene& s) {
  const bool remembers = s.supplied("replay") != capability_info::how::refused;
  bus& b =
      s.open(remembers && s.has_setting("history_max") ? scene::settings{{"transport.history_max", "100"}}
                                                       : scene::settings{});
  s.publish(b, "honest:past", "x");
  trial(s, b).option("replay", [&] {
    std::atomic<bool> came{false};
    subscribe_options o;
    o.from = from_beginning();
    const auto sub = b.subscribe(
        "honest:past", [&](const delivery&) { came = true; }, o);
    s.wait_until([&] { return came.load(); }, "with 'replay' an event of the past arrives");
  });
}

void requests_are_honest(scene& s) {
  bus& b = s.open();
  trial(s, b).option("request and reply", [&] {
    const auto sub = b.subscribe("honest:ask", [](const delivery& d) { d.reply("re"); });
    s.expect(b.request("honest:ask", "", 10s).text() == "re", "with 'request and reply' a reply comes");
  });
}

// With flow control nothing ever has to be discarded, so saying what is refused; without, it is for the bus to do.
void overflow_is_honest(scene& s) {
  bus& b = s.open();
  const bool has_flow_control = s.supplied("flow control") == capability_info::how::native;
  subscribe_options o;
  o.overflow = overflow_policy::discard_newest;
  try {
    const auto sub = b.subscribe(
        "a", [](const delivery&) {}, o);
    s.expect(!has_flow_control, "'overflow' is refused where there is flow control");
  } catch (const error& e) {
    s.expect(has_flow_control && e.code() == error::unsupported,
             std::string("'overflow' is refused only where there is flow control; saw: ") + e.what());
  }
}

// An acknowledgement of the transport's own survives whoever gave it back; that of the bus says that it does not.
void settlement_is_honest(scene& s) {
  s.need_own("acknowledgement");
  bus& b = s.open();
  subscribe_options o;
  o.group = "honest";
  o.prefetch = events;
  std::atomic<std::size_t> taken{0};
  std::vector<settlement> held;
  std::mutex mutex;
  auto first = b.subscribe(
      "a",
      [&](const delivery& d) {
        const std::lock_guard lock(mutex);
        held.push_back(d.defer());
        ++taken;
      },
      o);
  for (const std::string& n : numbers(events)) s.publish(b, "a", n);
  s.wait_until([&] { return taken == events; }, "a member takes a thousand events");
  {
    const std::lock_guard lock(mutex);
    for (std::size_t i = 0; i < events; ++i) i % 2 == 0 ? held[i].ack() : held[i].retry(1h);
    held.clear();
  }
  first.unsubscribe();
  collected<std::string> again;
  const auto second = b.subscribe(
      "a", [&](const delivery& d) { again.add(d.text()); }, o);
  s.await([&] { return again.size() >= events / 2; });
  s.settle_down();
  s.expect_equal(again.size(), events / 2,
                 "events that the next member gets, of a thousand of which half are acknowledged");
}

constexpr row table[] = {
    {28,
     "what the transport declares works, and what it does not is refused",
     {},
     timing::either,
     declared_is_there},
    {28, "replay works where it is declared, else 'from' is refused", {}, timing::either, from_is_honest},
    {28,
     "requests are answered where that is declared, else they are refused",
     {},
     timing::either,
     requests_are_honest},
    {28, "'overflow' is refused where there is flow control", {}, timing::either, overflow_is_honest},
    {28,
     "what is acknowledged does not come to the next member, and what is not does",
     {"groups", "acknowledgement"},
     timing::either,
     settlement_is_honest},
};

}  // namespace

std::span<const row> honesty_rows() { return table; }

}  // namespace postbus::conformance
