// A bus of the command's own, on a transport that is shared between processes.
#include "process.hpp"
#include "support/catch.hpp"

#include <unistd.h>

#include <csignal>

using namespace postbus::tests;

namespace {

// A configuration whose hub nobody else uses.
std::string hub_configuration(const char* name) {
  return std::string("[transport]\nplugin = \"") + POSTBUS_HUB_PLUGIN + "\"\npath = \"cli-" + name + "-" +
         std::to_string(::getpid()) + "\"\n[log]\nlevel = \"off\"\n";
}

// A bus that only runs the hub, so that it stays when the others come and go.
struct hub {
  process bus;
  hub(const temporary_folder& folder, const char* name) : bus(configured(folder, name), {"run"}) {
    REQUIRE(bus.prints("\nready\n"));
  }
  static const temporary_folder& configured(const temporary_folder& folder, const char* name) {
    folder.write("postbus.toml", hub_configuration(name));
    return folder;
  }
};

}  // namespace

TEST_CASE("pub and sub meet on a shared transport without a running bus", "[cli][own_bus]") {
  const temporary_folder folder;
  const hub between(folder, "meet");
  process sub(folder, {"sub", "job:{id}", "--count", "3"});
  REQUIRE(sub.prints("subscribed to job:{id} on a bus of its own on hub"));
  const outcome pub = run(folder, {"pub", "job:7", "--lines", "--header", "a=b"}, "one\ntwo\nthree\nfour\n");
  CAPTURE(pub.err);
  CHECK(pub.status == 0);
  CHECK(pub.out.empty());
  CHECK(pub.err.find("4 published, 0 skipped, 0 failed in ") == 0);
  CHECK(sub.status() == 0);
  CHECK(lines_in(sub.out()) == 3);
  CHECK(sub.out().find("job:7\t") == 0);
  CHECK(sub.out().find("\tthree\n") != std::string::npos);
}

TEST_CASE("tail looks on over a bus of its own", "[cli][own_bus]") {
  const temporary_folder folder;
  const hub between(folder, "tail");
  process tail(folder, {"tail", "--count", "1", "--json"});
  REQUIRE(tail.prints("watching ** on a bus of its own"));
  const outcome pub = run(folder, {"pub", "job:7", "\xff\xfe", "--id", "my-id", "--key", "k", "--header",
                                   "a=b", "--content-type", "x/y"});
  CHECK(pub.status == 0);
  CHECK(pub.out == "my-id\n");
  CHECK(tail.status() == 0);
  for (const char* part : {R"("topic":"job:7")", R"("id":"my-id")", R"("key":"k")", R"("a":"b")",
                           R"("content_type":"x/y")", R"("data_base64":"//4=")"}) {
    CAPTURE(part, tail.out());
    CHECK(tail.out().find(part) != std::string::npos);
  }
}

TEST_CASE("a topic that is none fails without ending the others", "[cli][own_bus]") {
  const temporary_folder folder;
  folder.write("postbus.toml", hub_configuration("bad-topic"));
  const outcome pub = run(folder, {"pub", "no topic", "data"});
  CHECK(pub.status == 1);
  CHECK(pub.err.find("white space") != std::string::npos);
  CHECK(pub.err.find("0 published, 0 skipped, 1 failed") != std::string::npos);
}

TEST_CASE("a signal ends sub cleanly", "[cli][own_bus]") {
  const temporary_folder folder;
  folder.write("postbus.toml", hub_configuration("signal"));
  for (const int number : {SIGINT, SIGTERM}) {
    process sub(folder, {"sub", "job:**"});
    REQUIRE(sub.prints("subscribed"));
    sub.signal(number);
    CHECK(sub.status() == 0);
  }
}

TEST_CASE("fewer events than asked for until the timeout are a failure", "[cli][own_bus]") {
  const temporary_folder folder;
  folder.write("postbus.toml", hub_configuration("timeout"));
  const outcome sub = run(folder, {"sub", "job:**", "--count", "1", "--timeout", "1ms"});
  CHECK(sub.status == 1);
  CHECK(sub.err.find("found 0 events until --timeout was over; wanted 1") != std::string::npos);
  CHECK(run(folder, {"sub", "job:**", "--timeout", "1ms"}).status == 0);
}

TEST_CASE("whether the command may have a bus of its own is told by the transports that its topic takes",
          "[cli][own_bus]") {
  const temporary_folder folder;
  folder.write("postbus.toml",
               "[transport]\nplugin = \"memory\"\n[transports.far]\nplugin = \"" POSTBUS_HUB_PLUGIN
               "\"\npath = \"cli-routes-" +
                   std::to_string(::getpid()) +
                   "\"\n[[route]]\ntopics = [\"far:**\"]\ntransport = \"far\"\n");
  CHECK(run(folder, {"pub", "far:1", "data"}).status == 0);
  CHECK(run(folder, {"sub", "far:*", "--timeout", "1ms"}).status == 0);
  for (const std::vector<std::string>& near :
       {std::vector<std::string>{"pub", "near:1", "data"}, {"sub", "near:*"}, {"sub", "**"}}) {
    const outcome refused = run(folder, near);
    CHECK(refused.status == 1);
    CHECK(refused.err.find("the memory transport, which lives inside a process") != std::string::npos);
  }
  const outcome templated = run(folder, {"pub", "--ndjson", "-", "--topic", "far:{/a}"}, "{\"a\":1}\n");
  CHECK(templated.status == 0);
  CHECK(run(folder, {"pub", "--ndjson", "-", "--topic", "{/a}:far"}, "{\"a\":1}\n").status == 1);
}
