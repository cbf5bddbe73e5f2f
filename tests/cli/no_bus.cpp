// What the command says when there is no bus to talk to.
#include "process.hpp"
#include "support/catch.hpp"

using namespace postbus::tests;

TEST_CASE("a verb about a running bus says how to get one", "[cli]") {
  const temporary_folder folder;
  folder.write("with.toml", "[bus]\nadmin = \"unix:./fleet.sock\"\n");
  for (const auto& words : {std::vector<std::string>{"topics"},
                            {"inflight"},
                            {"health"},
                            {"metrics"},
                            {"call", "methods"},
                            {"log", "debug"},
                            {"stop", "user=42"}}) {
    CAPTURE(words);
    const outcome none = run(folder, words);
    CHECK(none.status == 1);
    CHECK(none.out.empty());
    CHECK(none.err ==
          "postbus: found no bus.admin in the default configuration; wanted a running bus that answers on "
          "its admin "
          "socket; give it admin = \"unix:./fleet.sock\" and start `postbus run`, or say where its socket is "
          "with "
          "--admin PATH\n");
    std::vector<std::string> with = words;
    with.insert(with.end(), {"--config", "with.toml"});
    const outcome dead = run(folder, with);
    CHECK(dead.status == 1);
    CHECK(dead.err ==
          "postbus: found nobody who answers on ./fleet.sock (No such file or directory); wanted a running "
          "bus that "
          "answers on its admin socket; start `postbus run --config with.toml`, or say where its socket is "
          "with "
          "--admin PATH\n");
  }
}

TEST_CASE("pub, sub and tail do not open a bus of their own on a transport inside a process", "[cli]") {
  const temporary_folder folder;
  for (const auto& words : {std::vector<std::string>{"pub", "a:b", "data"}, {"sub", "a:b"}, {"tail"}}) {
    CAPTURE(words);
    const outcome o = run(folder, words);
    CHECK(o.status == 1);
    CHECK(o.out.empty());
    CHECK(o.err ==
          "postbus: found the memory transport, which lives inside a process; wanted a running bus that "
          "answers on its "
          "admin socket; give it admin = \"unix:./fleet.sock\" and start `postbus run`, or use a transport "
          "that is "
          "shared between processes\n");
  }
}

TEST_CASE("who names a socket means the bus behind it", "[cli]") {
  const temporary_folder folder;
  const outcome o = run(folder, {"pub", "a:b", "data", "--admin", "./none.sock", "--set",
                                 "transport.plugin=" POSTBUS_HUB_PLUGIN});
  CHECK(o.status == 1);
  CHECK(o.err.find("postbus: found nobody who answers on ./none.sock") == 0);
}
