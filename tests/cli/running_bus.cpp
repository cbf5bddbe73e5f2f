// The command and a running bus, each a process of its own.
#include "process.hpp"
#include "support/catch.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>

using namespace postbus::tests;

namespace {

constexpr const char* webhooks = POSTBUS_EXAMPLES "/webhooks.ndjson";
constexpr const char* by_event = "github:{/event}:{/payload/repository/name|-}";

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

// A folder with a configuration, and a bus that runs in it.
struct fleet {
  static constexpr const char* configuration =
      "[bus]\nname = \"fleet\"\nadmin = \"unix:./fleet.sock\"\n[log]\nlevel = \"off\"\n";
  temporary_folder folder;
  process bus;

  explicit fleet(std::vector<std::string> options = {}) : bus(configured(folder), words(std::move(options))) {
    REQUIRE(bus.prints("\nready\n"));
  }
  outcome postbus(std::vector<std::string> arguments, const std::string& input = "") {
    return run(folder, std::move(arguments), input);
  }

 private:
  static const temporary_folder& configured(const temporary_folder& folder) {
    folder.write("postbus.toml", configuration);
    return folder;
  }
  static std::vector<std::string> words(std::vector<std::string> options) {
    options.insert(options.begin(), "run");
    return options;
  }
};

// A client of the admin socket that takes an event and keeps it.
class keeper {
 public:
  keeper(const temporary_folder& folder, const std::string& pattern)
      : fd_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = folder.path / "fleet.sock";
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    say(R"({"id":1,"method":"subscribe","args":{"pattern":")" + pattern + "\"}}");
    wait_for("\"subscription\"");
  }
  ~keeper() { ::close(fd_); }
  keeper(const keeper&) = delete;
  keeper& operator=(const keeper&) = delete;

  void say(const std::string& request) {
    const std::string line = request + "\n";
    REQUIRE(::write(fd_, line.data(), line.size()) == static_cast<ssize_t>(line.size()));
  }
  void wait_for(std::string_view text) {
    char bytes[4096];
    while (!holds(seen_, text)) {
      const ssize_t n = ::read(fd_, bytes, sizeof bytes);
      REQUIRE(n > 0);
      seen_.append(bytes, static_cast<std::size_t>(n));
    }
  }

 private:
  int fd_;
  std::string seen_;
};

}  // namespace

TEST_CASE("what is published to a running bus comes out of sub and tail, and is counted",
          "[cli][running_bus]") {
  fleet f;
  process sub(f.folder, {"sub", "github:{event}:{repo}", "--group", "workers", "--count", "24"});
  process tail(f.folder, {"tail", "github:push:*", "--count", "4", "--json"});
  REQUIRE(sub.prints("subscribed to github:{event}:{repo} in group workers on bus 'fleet' (pid "));
  REQUIRE(tail.prints("watching github:push:*"));

  const outcome topics = f.postbus({"topics"});
  CHECK(topics.status == 0);
  CHECK(holds(topics.out, "github:{event}:{repo}  workers  1"));

  const outcome pub = f.postbus({"pub", "--ndjson", webhooks, "--topic", by_event});
  CAPTURE(pub.err);
  CHECK(pub.status == 0);
  CHECK(pub.err.find("24 published, 0 skipped, 0 failed in ") == 0);
  CHECK(sub.status() == 0);
  CHECK(lines_in(sub.out()) == 24);
  CHECK(sub.out().find("github:push:lighthouse\t") == 0);
  CHECK(tail.status() == 0);
  CHECK(lines_in(tail.out()) == 4);
  CHECK(holds(tail.out(), R"("content_type":"application/json")"));

  const outcome metrics = f.postbus({"metrics"});
  CHECK(metrics.status == 0);
  CHECK(holds(metrics.out, "# TYPE postbus_"));
  CHECK(boost::json::parse(f.postbus({"metrics", "--json"}).out).is_array());

  f.bus.signal(SIGTERM);
  CHECK(f.bus.status() == 0);
  CHECK(holds(f.bus.out(), "github:{event}:{repo}  workers  24        24"));
  CHECK(holds(f.bus.out(), "published 24, abandoned 0; closed cleanly"));
}

TEST_CASE("a running bus tells how it is", "[cli][running_bus]") {
  fleet f;
  const outcome health = f.postbus({"health"});
  CHECK(health.status == 0);
  CHECK(health.out.find("healthy, live, ready\n") == 0);
  CHECK(holds(health.out, "transport.default"));
  CHECK(boost::json::parse(f.postbus({"health", "--json"}).out).at("ready") == true);
  const outcome quiet = f.postbus({"health", "--quiet"});
  CHECK(quiet.status == 0);
  CHECK(quiet.out.empty());

  CHECK(holds(f.postbus({"call", "methods"}).out, R"("publish")"));
  CHECK(f.postbus({"call", "memory.health", "{}", "--timeout", "250ms"}).status == 0);
  const outcome unknown = f.postbus({"call", "helth"});
  CHECK(unknown.status == 1);
  CHECK(holds(unknown.err, "postbus: found the method 'helth'"));
  CHECK(f.postbus({"log", "debug"}).status == 0);
  CHECK(f.postbus({"log", "debug", "nobody"}).status == 1);
  CHECK(f.postbus({"inflight"}).err == "nothing is in flight\n");
  CHECK(f.postbus({"inflight", "--json"}).out == "[]\n");
}

TEST_CASE("what is in flight in an application is listed, and can be asked to stop", "[cli][running_bus]") {
  const temporary_folder folder;
  folder.write("postbus.toml", fleet::configuration);
  process host(folder, {}, "", {}, POSTBUS_HOST);
  REQUIRE(host.prints("\nready\n"));
  CHECK(run(folder, {"pub", "job:42:run", "--id", "e-1"}, "some data\n").out == "e-1\n");
  REQUIRE(host.prints("working"));

  const outcome listed = run(folder, {"inflight"});
  CHECK(listed.status == 0);
  CHECK(holds(listed.out, "job:42:run  e-1  job:{user_id}:run"));
  CHECK(run(folder, {"stop", "user_id=7"}).out == "0\n");
  CHECK(run(folder, {"stop", "user_id=42"}).out == "1\n");
  CHECK(host.prints("stopped"));
}

TEST_CASE("a request prints its reply; an error or no reply end with status 1", "[cli][running_bus]") {
  const temporary_folder folder;
  folder.write("postbus.toml", fleet::configuration);
  process host(folder, {}, "", {}, POSTBUS_HOST);
  REQUIRE(host.prints("\nready\n"));
  const outcome echoed = run(folder, {"request", "echo", "hello"});
  CHECK(echoed.status == 0);
  CHECK(echoed.out == "hello\n");
  CHECK(holds(run(folder, {"request", "echo", "hello", "--json"}).out, R"("data":"hello")"));
  const outcome refused = run(folder, {"request", "echo", "no"});
  CHECK(refused.status == 1);
  CHECK(holds(refused.err, "will not"));
  const outcome late = run(folder, {"request", "echo", "quiet", "--timeout", "20ms"});
  CHECK(late.status == 1);
  CHECK(holds(late.err, "no reply"));
}

TEST_CASE("what a client rejected is listed, shown, sent back and thrown away", "[cli][running_bus]") {
  fleet f({"--set", "store.plugin=memory-store"});
  {
    keeper client(f.folder, "job:*");
    CHECK(f.postbus({"pub", "job:1", "data", "--id", "e-1"}).status == 0);
    client.wait_for("\"delivery\"");
    client.say(R"({"id":2,"method":"reject","args":{"delivery":1,"reason":"no such job"}})");
    client.wait_for("\"id\":2");
  }
  CHECK(holds(f.postbus({"dead", "list"}).out, "job:*  1"));
  const outcome listed = f.postbus({"dead", "list", "job:*"});
  CHECK(holds(listed.out, "fleet/e-1  job:1  rejected"));
  CHECK(holds(listed.out, "no such job"));
  CHECK(holds(f.postbus({"dead", "list", "job:*", "--json"}).out, R"("reason":"rejected")"));
  CHECK(f.postbus({"dead", "list", "job:*", "--topic", "other"}).out.empty());
  CHECK(holds(f.postbus({"dead", "show", "job:*", "e-1"}).out, R"("data":"data")"));
  CHECK(f.postbus({"dead", "show", "job:*", "e-2"}).status == 1);
  // Without a group and a subscription nobody would get it.
  const outcome nobody = f.postbus({"dead", "requeue", "job:*", "e-1"});
  CHECK(nobody.status == 1);
  CHECK(holds(nobody.err, "1 could not be sent back"));
  keeper again(f.folder, "job:*");
  CHECK(f.postbus({"dead", "requeue", "job:*", "e-1"}).out == "1\n");
  CHECK(f.postbus({"dead", "purge", "job:*", "--all", "--yes"}).out == "0\n");
  CHECK(f.postbus({"dead", "list"}).err == "no box has anything\n");
}

TEST_CASE("a session of a running bus is steered", "[cli][running_bus]") {
  fleet f({"--set", "bus.features=[\"steering\"]"});
  CHECK(f.postbus({"steer", "list"}).err == "nothing is queued for any session\n");
  const outcome pushed =
      f.postbus({"steer", "push", "s1", "rather in French", "--sender", "ann", "--id", "m1"});
  CHECK(pushed.status == 0);
  CHECK(pushed.out == "m1  accepted\n");
  CHECK(f.postbus({"steer", "push", "s1", "now", "--front", "--agent", "writer"}).status == 0);
  CHECK(f.postbus({"steer", "list"}).out == "s1\n");
  const outcome listed = f.postbus({"steer", "list", "s1"});
  CHECK(lines_in(listed.out) == 3);
  CHECK(listed.out.find("now") < listed.out.find("rather in French"));
  CHECK(holds(f.postbus({"steer", "take", "s1", "--max", "1", "--json"}).out, R"("target_agent":"writer")"));
  CHECK(holds(f.postbus({"steer", "take", "s1"}).out, "ann     no     rather in French"));
  CHECK(f.postbus({"steer", "take", "s1"}).err == "nothing is queued\n");

  keeper client(f.folder, "work:{session_id}");
  CHECK(f.postbus({"pub", "work:s1", "data"}).status == 0);
  client.wait_for("\"delivery\"");
  CHECK(holds(f.postbus({"steer", "abort", "s1", "--json"}).out, R"("status":"accepted")"));
  CHECK(holds(f.postbus({"steer", "list", "s1"}).out, "yes    stop"));
  for (int n = 0; n < 100 && !holds(f.postbus({"inflight", "--json"}).out, R"("stop_requested":true)"); ++n) {
  }
  CHECK(holds(f.postbus({"inflight", "--json"}).out, R"("stop_requested":true)"));
  const outcome wrong = f.postbus({"steer", "push", "a:b", "x"});
  CHECK(wrong.status == 1);
  CHECK(holds(wrong.err, "wanted a name without ':'"));
}

TEST_CASE("the feature dedup tells what it dropped, and forgets an event", "[cli][running_bus]") {
  fleet f({"--set", "store.plugin=memory-store", "--set", "bus.features=[\"dedup\"]"});
  process sub(f.folder, {"sub", "job", "--group", "workers", "--count", "2"});
  REQUIRE(sub.prints("subscribed to job in group workers"));
  for (const char* data : {"one", "two", "two"})
    CHECK(f.postbus({"pub", "job", data, "--id", std::string("e-") + data}).status == 0);
  CHECK(sub.status() == 0);
  const outcome stats = f.postbus({"dedup", "stats", "--json"});
  CHECK(holds(stats.out, R"("claimed":2)"));
  CHECK(holds(f.postbus({"dedup", "stats"}).out, "done_ids"));
  const std::vector<std::string> forget{"dedup",   "forget",  "e-one",     "--source", "fleet",
                                        "--group", "workers", "--pattern", "job"};
  CHECK(f.postbus(forget).out == "1\n");
  CHECK(f.postbus(forget).out == "0\n");
}

TEST_CASE("without the feature its verbs say that it is not there", "[cli][running_bus]") {
  fleet f;
  const outcome o = f.postbus({"dedup", "stats"});
  CHECK(o.status == 1);
  CHECK(holds(o.err, "dedup"));
}

TEST_CASE("a user of a running bus is paused and resumed", "[cli][running_bus]") {
  fleet f({"--set", "bus.features=[\"brake\"]", "--set", "store.plugin=memory-store", "--set",
           "plugin.brake.topics=[\"job:{user_id}\"]", "--set", "plugin.brake.key=param:user_id"});
  process watch(f.folder, {"brake", "watch"});
  REQUIRE(watch.prints("watching the brake on bus 'fleet'"));
  keeper client(f.folder, "job:{user_id}");
  CHECK(f.postbus({"pub", "job:42", "data", "--id", "e-1"}).status == 0);
  client.wait_for("\"delivery\"");
  const outcome paused = f.postbus({"brake", "pause", "42", "--actor", "ann"});
  CHECK(paused.status == 1);
  CHECK(holds(paused.out, "pausing  epoch 1  by ann\n"));
  CHECK(holds(paused.out, "job:42   e-1"));
  const outcome refused = f.postbus({"pub", "job:42", "data"});
  CHECK(refused.status == 1);
  CHECK(holds(refused.err, "paused"));
  CHECK(f.postbus({"pub", "job:7", "data"}).status == 0);
  client.say(R"({"id":2,"method":"ack","args":{"delivery":1}})");
  client.wait_for("\"id\":2");
  CHECK(watch.prints("system.brake.paused"));
  CHECK(holds(f.postbus({"brake", "status", "42"}).out, "paused  epoch 1  by ann\n"));
  CHECK(f.postbus({"brake", "confirm", "42"}).out == "0\n");
  CHECK(holds(f.postbus({"brake", "resume", "42", "--json"}).out, R"("state":"running")"));
  CHECK(f.postbus({"pub", "job:42", "data"}).status == 0);
  CHECK(f.postbus({"brake", "pause", "--all"}).status == 1);  // the client keeps two
}

TEST_CASE("a delayed publish waits in the running bus, and can be cancelled there", "[cli][running_bus]") {
  fleet f;
  CHECK(f.postbus({"pub", "jobs:1", "x", "--delay", "1h", "--id", "later"}).status == 0);
  CHECK(holds(f.postbus({"metrics"}).out, "postbus_events_delayed 1"));
  CHECK(holds(f.postbus({"call", "cancel_delayed", R"({"event":"later"})"}).out, R"("cancelled":1)"));
  CHECK(f.postbus({"pub", "jobs:1", "x", "--ttl", "1h"}).status == 0);
}

TEST_CASE("what a client has not acknowledged is open and in flight, and given back at the end",
          "[cli][running_bus]") {
  fleet f;
  keeper client(f.folder, "job:*");
  CHECK(f.postbus({"pub", "job:1", "data"}).status == 0);
  client.wait_for("\"delivery\"");
  CHECK(holds(f.postbus({"topics"}).out, "job:*    -      1            1     0"));
  CHECK(holds(f.postbus({"inflight"}).out, "job:1"));
  f.bus.signal(SIGTERM);
  CHECK(f.bus.status() == 0);
  CHECK(holds(f.bus.out(), "job:*         -      1         0      0        0         1           0"));
  CHECK(holds(f.bus.out(), "closed cleanly"));
}

TEST_CASE("a second signal ends the waiting, and the report is printed all the same", "[cli][running_bus]") {
  fleet f({"--deadline", "1h", "--grace", "1h", "--set", "bus.features=[\"" POSTBUS_SITTER_PLUGIN "\"]"});
  CHECK(f.postbus({"pub", "a:b", "data"}).status == 0);
  const process call(f.folder, {"call", "sitter.sit", "{}"});
  REQUIRE(f.bus.prints("sitting"));
  f.bus.signal(SIGTERM);
  REQUIRE(f.bus.prints("a second signal ends the waiting"));
  f.bus.signal(SIGTERM);
  CHECK(f.bus.status() == 1);
  CHECK(f.bus.out() == "published 1, abandoned 0; the deadline passed before everything had ended\n");
}

TEST_CASE("the report of run is an object with --json", "[cli][running_bus]") {
  fleet f({"--json"});
  CHECK(f.postbus({"pub", "a:b", "data"}).status == 0);
  f.bus.signal(SIGINT);
  CHECK(f.bus.status() == 0);
  const auto report = boost::json::parse(f.bus.out());
  CHECK(report.at("clean") == true);
  CHECK(report.at("published") == 1);
}

TEST_CASE("a line that gives no event is reported with its place, skipped and counted",
          "[cli][running_bus]") {
  fleet f;
  f.folder.write("bad.ndjson",
                 "{\"event\":\"push\"}\nno json\n\n{\"other\":1}\r\n{\"event\":[]}\n{\"event\":\"a b\"}");
  process sub(f.folder, {"sub", "**", "--count", "2"});
  REQUIRE(sub.prints("subscribed"));
  const outcome pub = f.postbus({"pub", "--ndjson", "bad.ndjson", "--topic", "e:{/event}"});
  CAPTURE(pub.err);
  CHECK(pub.status == 1);
  CHECK(holds(pub.err, "bad.ndjson:2: skipped: no JSON ("));
  CHECK(holds(pub.err, "bad.ndjson:4: skipped: found nothing at /event"));
  CHECK(holds(pub.err, "bad.ndjson:5: skipped: found an array at /event"));
  CHECK(holds(pub.err, "2 published, 3 skipped, 0 failed in "));
  CHECK(sub.status() == 0);
  CHECK(holds(sub.out(), "e:a_b\t"));

  const outcome summary =
      f.postbus({"--json", "pub", "--ndjson", "bad.ndjson", "--topic", "e:{/event|none}"});
  CHECK(boost::json::parse(summary.out).at("skipped") == 1);
  const outcome missing = f.postbus({"pub", "--ndjson", "none.ndjson", "--topic", "e:{/event}"});
  CHECK(missing.status == 1);
  CHECK(holds(missing.err, "none.ndjson: No such file or directory"));
}

TEST_CASE("an event that is too long for the admin socket is refused by name", "[cli][running_bus]") {
  fleet f;
  const outcome pub = f.postbus({"pub", "a:b"}, std::string(6 << 20, 'x'));
  CHECK(pub.status == 1);
  CHECK(holds(pub.err, "postbus: found "));
  CHECK(holds(pub.err, "bus.admin_line_max"));
}

TEST_CASE("events go out at the rate asked for", "[cli][running_bus]") {
  fleet f;
  const auto started = std::chrono::steady_clock::now();
  CHECK(f.postbus({"pub", "a:b", "--lines", "--rate", "50/s"}, "1\n2\n3\n4\n5\n6\n").status == 0);
  CHECK(std::chrono::steady_clock::now() - started >= std::chrono::milliseconds(100));
}

TEST_CASE("sub ends with the bus, quietly", "[cli][running_bus]") {
  fleet f;
  process sub(f.folder, {"sub", "**"}), waiting(f.folder, {"sub", "**", "--count", "1"});
  REQUIRE(sub.prints("subscribed"));
  REQUIRE(waiting.prints("subscribed"));
  f.bus.signal(SIGTERM);
  CHECK(f.bus.status() == 0);
  CHECK(sub.status() == 0);
  CHECK(holds(sub.err(), "postbus: the bus has closed\n"));
  CHECK(waiting.status() == 1);
  CHECK(holds(waiting.err(), "found 0 events until the bus closed; wanted 1"));
}

TEST_CASE("a bus that dies is an error for who waits for it", "[cli][running_bus]") {
  fleet f;
  process sub(f.folder, {"sub", "**"});
  REQUIRE(sub.prints("subscribed"));
  f.bus.signal(SIGKILL);
  CHECK(sub.status() == 1);
  CHECK(holds(sub.err(), "postbus: found the end of the connection to bus 'fleet'"));
}

TEST_CASE("what sub did not print goes to others", "[cli][running_bus]") {
  fleet f;
  process one(f.folder, {"sub", "job:*", "--group", "g", "--count", "1"});
  REQUIRE(one.prints("subscribed"));
  CHECK(f.postbus({"pub", "job:x", "--lines"}, "1\n2\n3\n").status == 0);
  CHECK(one.status() == 0);
  process rest(f.folder, {"sub", "job:*", "--group", "g", "--count", "2"});
  CHECK(rest.status() == 0);
  CHECK(lines_in(one.out()) == 1);
  CHECK(lines_in(rest.out()) == 2);
}

TEST_CASE("run says when it is ready, to a file and to systemd", "[cli][running_bus]") {
  const temporary_folder folder;
  // As a file, and as a name of the abstract namespace, which systemd writes with an '@'.
  const std::string names[] = {folder.path / "notify", "@" + std::string(folder.path)};
  for (const std::string& path : names) {
    CAPTURE(path);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (path.front() == '@') address.sun_path[0] = '\0';
    const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0);
    const auto told = [fd] {
      char text[64];
      return std::string(
          text, static_cast<std::size_t>(std::max<ssize_t>(0, ::recv(fd, text, sizeof text, MSG_DONTWAIT))));
    };

    process bus(folder, {"run", "--ready-file", "ready"}, "", {"NOTIFY_SOCKET=" + path});
    REQUIRE(bus.prints("\nready\n"));
    CHECK(told() == "READY=1");
    CHECK(std::filesystem::exists(folder.path / "ready"));
    bus.signal(SIGTERM);
    CHECK(bus.status() == 0);
    CHECK(told() == "STOPPING=1");
    CHECK_FALSE(std::filesystem::exists(folder.path / "ready"));
    ::close(fd);
  }
}

TEST_CASE("run says what it is made of", "[cli][running_bus]") {
  fleet f;
  const std::string said = f.bus.err();
  CHECK(holds(said, ": bus 'fleet', 2 threads, pid "));
  CHECK(holds(said, "from postbus.toml"));
  CHECK(holds(said, "transport default (memory): native: "));
  CHECK(holds(said, "refused: "));
  CHECK(holds(said, "admin unix:./fleet.sock"));
}
