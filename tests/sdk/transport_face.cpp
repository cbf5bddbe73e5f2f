// What a C++ author of a transport writes, and what the host sees of it: transport.hpp.
#include "hosted.hpp"

#include <stdexcept>
#include <string>
#include <vector>

namespace sdk = postbus::sdk;
using namespace postbus::testing;

namespace {

// Loops every publish back to one subscription; throws in the function that `throws` names, or drops the answer there.
struct loop {
  struct subscription {
    sdk::sink to;
    std::uint32_t credit;
  };
  static constexpr std::uint32_t can = POSTBUS_CAN_CREDIT | POSTBUS_CAN_ACK;

  explicit loop(sdk::context&) {}
  void publish(std::span<const postbus_out> events, sdk::publish_completion&& done) {
    enter("publish");
    std::vector<postbus_receipt> receipts;
    for (const postbus_out& out : events) {
      const bool room = one.credit > 0;
      if (room) {
        --one.credit;
        one.to.deliver({.event = out.event,
                        .topic = {},
                        .position = {},
                        .wire = {},
                        .token = ++tokens,
                        .first_ns = 0,
                        .attempt = 0,
                        .flags = 0});
      }
      receipts.push_back({room ? POSTBUS_OK : POSTBUS_E_FULL, 0, sdk::str("p1")});
    }
    if (!drops("publish")) done.ok(receipts);
  }
  void subscribe(const postbus_sub& request, const sdk::sink& to, sdk::completion<subscription*>&& done) {
    enter("subscribe");
    pattern = sdk::view(request.pattern);
    group = sdk::view(request.group);
    one = {to, request.credit};
    if (!drops("subscribe")) done.ok(&one);
  }
  void unsubscribe(subscription& s, sdk::completion<>&& done) {
    enter("unsubscribe");
    gone = &s == &one;
    if (!drops("unsubscribe")) done.ok();
  }
  void credit(subscription& s, std::uint32_t n) {
    enter("credit");
    s.credit += n;
  }
  void settle(std::span<const postbus_settle> items, sdk::settle_completion&& done) {
    enter("settle");
    std::vector<std::int32_t> statuses;
    for (const postbus_settle& s : items)
      statuses.push_back(s.token <= tokens ? POSTBUS_OK : POSTBUS_E_CONFLICT);
    if (!drops("settle")) done.ok(statuses);
  }
  void quiesce(subscription&, sdk::completion<>&& done) {
    enter("quiesce");
    if (!drops("quiesce")) done.ok();
  }
  void room(std::string_view topic, sdk::completion<>&& done) {
    enter("room");
    asked_room_for = topic;
    if (!drops("room")) done.ok();
  }

  void enter(const char* function) const {
    if (throws == function) throw sdk::failure(POSTBUS_E_UNAVAILABLE, std::string(function) + " broke");
  }
  bool drops(const char* function) const { return forgets == function; }

  std::string throws, forgets, pattern, group, asked_room_for;
  subscription one{{}, 0};
  std::uint64_t tokens = 0;
  bool gone = false;
};

// Nothing but what a transport must have.
struct least {
  struct subscription {};
  static constexpr std::uint32_t can = 0;
  explicit least(sdk::context&) {}
  void publish(std::span<const postbus_out>, sdk::publish_completion&& done) { done.ok(); }
  void subscribe(const postbus_sub&, const sdk::sink& to, sdk::completion<subscription*>&& done) {
    into = to;
    done.ok(&one);
  }
  void unsubscribe(subscription&, sdk::completion<>&& done) { done.ok(); }
  sdk::sink into;
  subscription one;
};
struct most : least {
  using least::least;
  static constexpr std::uint32_t needs = POSTBUS_NEED_WIRE;
  static constexpr bool answers_at_once = true;
  std::uint64_t data_max() const noexcept { return 1000; }
};

const postbus_transport& table_of(const fake_host& host) {
  return *host.interface<postbus_transport>("postbus.transport/1");
}

}  // namespace

TEST_CASE("the table has what the class has, and no more", "[transport_face]") {
  const hosted<loop> full;
  const postbus_transport& t = table_of(full);
  CHECK(t.size == sizeof(postbus_transport));
  CHECK(t.can == loop::can);
  CHECK(t.needs == 0);
  CHECK(t.flags == 0);
  CHECK(t.data_max == UINT64_MAX);
  CHECK(t.credit != nullptr);
  CHECK(t.settle != nullptr);
  CHECK(t.quiesce != nullptr);
  CHECK(t.room != nullptr);
  const hosted<most> bare;
  const postbus_transport& m = table_of(bare);
  CHECK(m.credit == nullptr);
  CHECK(m.settle == nullptr);
  CHECK(m.quiesce == nullptr);
  CHECK(m.room == nullptr);
  CHECK(m.needs == POSTBUS_NEED_WIRE);
  CHECK(m.flags == POSTBUS_ANSWERS_AT_ONCE);
  CHECK(m.data_max == 1000);
}

TEST_CASE("a publish is answered per event, and what was delivered is settled by token", "[transport_face]") {
  hosted<loop> host;
  recording_sink sink;
  const answer s = host.subscribe("job:**", sink, {.group = "g", .credit = 1});
  REQUIRE(s);
  CHECK(host.it().pattern == "job:**");
  CHECK(host.it().group == "g");
  const std::vector<event> two{{.topic = "job:1", .data = "one"}, {.topic = "job:2", .data = "two"}};
  const answer p = host.publish(two);
  REQUIRE(p);
  CHECK(p.statuses() == std::vector<std::int32_t>{POSTBUS_OK, POSTBUS_E_FULL});
  CHECK(p.positions() == std::vector<std::string>{"p1", "p1"});
  host.credit(s.pointer(), 1);
  CHECK(host.publish(two[1]).statuses() == std::vector<std::int32_t>{POSTBUS_OK});
  CHECK(sink.data() == std::vector<std::string>{"one", "two"});
  const postbus_settle settles[] = {{2, POSTBUS_ACK, 0, 0, nullptr}, {3, POSTBUS_ACK, 0, 0, nullptr}};
  CHECK(host.settle(settles).statuses() == std::vector<std::int32_t>{POSTBUS_OK, POSTBUS_E_CONFLICT});
  CHECK(host.room("job:1"));
  CHECK(host.it().asked_room_for == "job:1");
  CHECK(host.quiesce(s.pointer()));
  CHECK(host.unsubscribe(s.pointer()));
  CHECK(host.it().gone);
}

TEST_CASE("an exception in any function of a transport is its answer", "[transport_face]") {
  hosted<loop> host;
  recording_sink sink, other;
  void* const subscription = host.subscribe("a", sink).pointer();
  const auto check = [&](const char* function, const auto& call) {
    CAPTURE(function);
    host.it().throws = function;
    const answer a = call();
    host.it().throws.clear();
    CHECK(a.status() == POSTBUS_E_UNAVAILABLE);
    CHECK(a.message() == std::string(function) + " broke");
  };
  check("publish", [&] { return host.publish({.topic = "a"}); });
  check("subscribe", [&] { return host.subscribe("b", other); });
  check("settle", [&] { return host.settle(1); });
  check("room", [&] { return host.room("a"); });
  check("quiesce", [&] { return host.quiesce(subscription); });
  check("unsubscribe", [&] { return host.unsubscribe(subscription); });
  CHECK(host.log().empty());
  CHECK(host.publish({.topic = "a"}));  // as good as new
}

TEST_CASE("an exception in credit, which has no answer, is a log line", "[transport_face]") {
  hosted<loop> host;
  recording_sink sink;
  void* const subscription = host.subscribe("a", sink).pointer();
  host.it().throws = "credit";
  host.credit(subscription, 1);
  CHECK(host.log() == std::vector<log_line>{{POSTBUS_LOG_ERROR, "credit broke"}});
}

TEST_CASE("an answer that any function of a transport drops is CANCELLED", "[transport_face]") {
  hosted<loop> host;
  recording_sink sink, other;
  void* const subscription = host.subscribe("a", sink).pointer();
  const auto check = [&](const char* function, const auto& call) {
    CAPTURE(function);
    host.it().forgets = function;
    CHECK(call().status() == POSTBUS_E_CANCELLED);
  };
  check("publish", [&] { return host.publish({.topic = "a"}); });
  check("subscribe", [&] { return host.subscribe("b", other); });
  check("settle", [&] { return host.settle(1); });
  check("room", [&] { return host.room("a"); });
  check("quiesce", [&] { return host.quiesce(subscription); });
  check("unsubscribe", [&] { return host.unsubscribe(subscription); });
}

TEST_CASE("a notice goes to the sink with the size of its table", "[transport_face]") {
  hosted<least> host;
  recording_sink sink;
  REQUIRE(host.subscribe("a", sink));
  postbus_notice gap{};
  gap.kind = POSTBUS_NOTICE_GAP;
  gap.dropped = 7;
  gap.reason = sdk::str("the link was down");
  host.it().into.notice(gap);
  REQUIRE(sink.notices().size() == 1);
  CHECK(sink.notices()[0].kind == POSTBUS_NOTICE_GAP);
  CHECK(sink.notices()[0].dropped == 7);
  CHECK(sink.notices()[0].reason == "the link was down");
}
