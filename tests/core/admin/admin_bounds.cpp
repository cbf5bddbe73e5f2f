// What no client can do to the bus or to other clients: too many of them, too long a line, half a line, reading too slowly, asking too
// much at once.
#include "admin/admin_counts.hpp"
#include "engine/engine.hpp"
#include "refusal.hpp"
#include "support/admin_client.hpp"

#include <fstream>

using namespace postbus;
using namespace postbus::tests;

namespace {

// With its counts.
struct engine_with_admin {
  temporary_folder folder;
  std::string path = folder / "a";
  std::shared_ptr<detail::engine> e;

  explicit engine_with_admin(config c) : e(detail::engine::make(c.admin("unix:" + path), {})) {}
  ~engine_with_admin() { e->close(std::int64_t{10} * 1'000'000'000, 0); }
  const detail::admin_counts& counts() const { return *e->admin_counts(); }
  error_code publish(std::string_view topic, std::string_view data) {
    error_code ec;
    receipt r;
    const publish_options options;
    e->publish({topic, sdk::hash_bytes(topic), data, &options}, ec, r);
    return ec;
  }
};

std::size_t resident_bytes() {
  std::size_t total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

TEST_CASE("two hundred clients at once are all served", "[admin]") {
  engine_with_admin f(config_for("memory"));
  std::vector<admin_client> clients;
  for (int i = 0; i < 200; ++i) clients.emplace_back(f.path);
  for (admin_client& c : clients)
    REQUIRE(c.send("{\"id\":1,\"method\":\"tail\",\"args\":{\"pattern\":\"a\"}}\n"));
  for (admin_client& c : clients) CHECK(c.next().contains("result"));
  CHECK(f.counts().clients == 200);
  CHECK(f.counts().subscriptions == 200);
  CHECK_FALSE(f.publish("a", "1"));
  for (admin_client& c : clients) CHECK(text(c.next().at("event").at("data")) == "1");
  clients.clear();
  CHECK(eventually([&] { return f.counts().clients == 0 && f.counts().subscriptions == 0; }));
  CHECK(f.counts().clients_total == 200);
}

TEST_CASE("one client more than clients_max is told so and turned away, until another leaves", "[admin]") {
  engine_with_admin f(config_for("memory").set("bus.admin_clients_max", "2"));
  admin_client one(f.path);
  {
    const admin_client two(f.path);
    admin_client three(f.path, false);
    const json::object said = three.next();
    CHECK(text(said.at("error").as_object(), "code") == "full");
    CHECK(has(text(said.at("error").as_object(), "remedy"), "admin_clients_max"));
    CHECK(three.at_end());
  }
  CHECK(f.counts().turned_away == 1);
  CHECK(eventually([&] { return f.counts().clients == 1; }));
  CHECK(admin_client(f.path).greeting.contains("postbus"));
  CHECK(one.result("topics").is_array());
}

TEST_CASE("a line of 100 MB is refused at line_max, and costs no memory", "[admin]") {
  engine_with_admin f(config_for("memory").set("bus.admin_line_max", "1MiB"));
  admin_client other(f.path), c(f.path);
  const std::string piece(1 << 20, 'x');
  const std::size_t before = resident_bytes();
  std::size_t most = before;
  bool taken = true;
  for (int n = 0; n < 100 && taken; ++n) {
    taken = c.send(piece);
    most = std::max(most, resident_bytes());
  }
  CHECK_FALSE(taken);  // it was closed long before the end
  const json::object said = c.next();
  CHECK(text(said.at("error").as_object(), "code") == "too_large");
  CHECK(has(text(said.at("error").as_object(), "found"), "1MiB"));
  CHECK(c.at_end());
  CHECK(most - before < (std::size_t{24} << 20));
  CHECK(f.counts().refused_lines == 1);
  CHECK(other.result("topics").is_array());
}

TEST_CASE("half a line ends its connection after the time-out, while others are served", "[admin]") {
  engine_with_admin f(config_for("memory").set("bus.admin_timeout", "100ms"));
  admin_client slow(f.path), idle(f.path), busy(f.path);
  REQUIRE(slow.send(R"({"method":"top)"));
  for (int n = 0; n < 100; ++n) CHECK(busy.result("topics").is_array());
  const json::object said = slow.next();
  CHECK(text(said.at("error").as_object(), "code") == "timed_out");
  CHECK(slow.at_end());
  CHECK(idle.result("topics").is_array());  // nothing begun is nothing late
  CHECK(f.counts().refused_lines == 1);
}

TEST_CASE("lines that are no requests are answered and counted, and the connection stays", "[admin]") {
  engine_with_admin f(config_for("memory"));
  admin_client c(f.path);
  for (const char* line : {"nonsense\n", "[]\n", "{\"id\":\"x\"}\n", "\n", "  \n", "{\"method\":\"top"})
    REQUIRE(c.send(line));
  REQUIRE(c.send("ics\",\"id\":5}\n"));
  CHECK_FALSE(c.next().contains("id"));
  CHECK_FALSE(c.next().contains("id"));
  CHECK(c.next().at("id") == "x");
  CHECK(c.next().at("id") == 5);
  CHECK(f.counts().refused_lines == 3);
  CHECK(f.counts().requests == 1);
}

TEST_CASE("a tail that is not read loses events, which are counted, and the bus does not notice", "[admin]") {
  const char* const transport = GENERATE("memory", "hub");
  CAPTURE(transport);
  constexpr int events = 5000;
  engine_with_admin f(config_for(transport).set("bus.admin_queue_max", "64KiB"));
  std::atomic<int> got{0};
  const auto s =
      f.e->subscribe("**", {},
                     {std::make_shared<std::atomic<int>*>(&got),
                      [](void* o, const delivery&) { ++**static_cast<std::atomic<int>**>(o); }, nullptr});
  admin_client c(f.path);
  const json::value number = c.result("tail").at("subscription");
  for (int n = 0; n < events; ++n) REQUIRE_FALSE(f.publish("a:b", std::string(1000, 'x')));
  CHECK(eventually([&] { return got == events; }));
  REQUIRE(eventually([&] { return f.counts().discarded_events > 0; }));
  std::uint64_t seen = 0, discarded = 0;
  bool told_between = false;
  // Until a last one gets through, which is surely behind all others.
  CHECK_FALSE(f.publish("last", ""));
  std::uint64_t published = events + 1;
  for (bool over = false; !over;) {
    const json::object line = c.event();
    CHECK(line.at("subscription") == number);
    if (const json::value* lost = line.if_contains("discarded")) {
      discarded += lost->to_number<std::uint64_t>();
      told_between = true;
    } else {
      ++seen;
    }
    over = seen + discarded == published;
  }
  CHECK(told_between);
  CHECK(seen > 40);  // what fits into 64 KiB before anything is written
  CHECK(discarded == f.counts().discarded_events);
  // Now that there is room again nothing is lost.
  CHECK_FALSE(f.publish("a:c", "again"));
  CHECK(text(c.event().at("event").at("data")) == "again");
}

TEST_CASE("a client that asks without reading is not read on, and gets every answer once it reads",
          "[admin]") {
  engine_with_admin f(config_for("memory").set("bus.admin_queue_max", "4KiB"));
  admin_client c(f.path), other(f.path);
  constexpr int requests = 3000;
  std::thread asking([&] {
    for (int n = 1; n <= requests; ++n)
      if (!c.send("{\"id\":" + std::to_string(n) + ",\"method\":\"methods\"}\n")) return;
  });
  // It is not read to the end before it reads.
  CHECK(eventually([&] { return f.counts().requests > 64; }));
  // One thread serves both: were it read on, all would be asked long before the other has had its answers.
  constexpr int meanwhile = 2000;
  for (int n = 0; n < meanwhile; ++n) CHECK(other.result("topics").is_array());
  CHECK(f.counts().requests < requests + meanwhile);
  for (int n = 1; n <= requests; ++n) REQUIRE(c.next().at("id") == n);
  asking.join();
}

TEST_CASE("a delivery is not sent before there is room, and none is lost", "[admin]") {
  engine_with_admin f(config_for("memory").set("bus.admin_queue_max", "64KiB"));
  admin_client c(f.path);
  c.result("subscribe", {{"pattern", "a"}, {"prefetch", 1000}});
  for (int n = 0; n < 1000; ++n) REQUIRE_FALSE(f.publish("a", std::string(5000, 'x') + std::to_string(n)));
  for (int n = 0; n < 1000; ++n) {
    const json::object line = c.event();
    REQUIRE(text(line.at("event").at("data")).substr(5000) == std::to_string(n));
    REQUIRE(c.send("{\"method\":\"ack\",\"args\":{\"delivery\":" + std::to_string(n + 1) + "}}\n"));
    // Answers come between deliveries.
    while (!c.others.empty() && c.others.front().contains("result")) c.others.pop_front();
    if (n < 999) {
      json::object next = c.next();
      while (next.contains("result")) next = c.next();
      c.others.push_back(std::move(next));
    }
  }
}

TEST_CASE("a client has at most 256 subscriptions", "[admin]") {
  engine_with_admin f(config_for("memory"));
  admin_client c(f.path);
  for (int n = 0; n < 256; ++n) c.result("tail", {{"pattern", "a"}});
  CHECK(text(c.refusal("tail"), "code") == "full");
  c.result("unsubscribe", {{"subscription", 7}});
  CHECK(c.result("tail").at("subscription") != 7);
}
