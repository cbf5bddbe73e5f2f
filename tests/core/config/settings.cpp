#include "config/settings.hpp"

#include "refusal.hpp"

#include <postbus/plugin.h>

#include <string>

using namespace postbus;
using namespace postbus::detail;

namespace {

settings read(std::string_view toml) { return read_settings(config_access::of(config::from_toml(toml))); }
error refused(std::string_view toml) {
  return refusal([&] { read(toml); });
}

}  // namespace

TEST_CASE("a bus without a configuration has the defaults", "[settings]") {
  const settings s = read_settings(config_access::of(config()));
  CHECK(s.name == "postbus");
  CHECK(s.threads == 2);
  CHECK(s.features.empty());
  CHECK(s.wait == wait_mode::sleep);
  CHECK(s.log.level == POSTBUS_LOG_INFO);
  CHECK(s.transports[0].plugin.name == "memory");
  CHECK(s.transports[0].plugin.origin.empty());
  CHECK(s.transports[0].dispatch == dispatch_mode::queued);
  CHECK(s.transports[0].required);
  CHECK(s.transports[0].data_max == 16 * 1024 * 1024);
  CHECK_FALSE(s.transports[0].data_max_set);
}

TEST_CASE("every setting of the host is read", "[settings]") {
  const settings s = read(R"(
[bus]
name = "fleet"
threads = 0
features = ["dedup", "./mine.so"]
plugin_path = ["/p", "q"]
wait = "spin"
sample_every = 1
admin = "unix:./fleet.sock"
admin_clients_max = 3
admin_line_max = "1MiB"
admin_queue_max = "2MiB"
admin_timeout = "1s"
[log]
level = "off"
format = "json"
modules = {memory = "trace"}
[transport]
plugin = "redis-streams"
dispatch = "inline"
required = false
data_max = "1MiB"
codec = "msgpack"
on_unavailable = "fail"
url = "redis://x"
[plugin.dedup]
topics = ["jobs:{user}:**", "work:{user}"]
key = "param:user"
on_error = "pass"
window = "1h"
[plugin.brake]
on_error = "refuse"
)");
  CHECK(s.name == "fleet");
  CHECK(s.threads == 0);
  CHECK(s.features.at(1).name == "./mine.so");
  CHECK(s.features.at(1).origin == "text:5:22");
  CHECK(s.plugin_path.at(1) == "q");
  CHECK(s.wait == wait_mode::spin);
  CHECK(s.sample_every == 1);
  CHECK(s.admin.path == "./fleet.sock");
  CHECK(s.admin.clients_max == 3);
  CHECK(s.admin.line_max == 1024 * 1024);
  CHECK(s.admin.queue_max == 2 * 1024 * 1024);
  CHECK(s.admin.timeout_ns == 1'000'000'000);
  CHECK(s.log.level == POSTBUS_LOG_ERROR + 1);
  CHECK(s.log.json);
  CHECK(s.log.modules.at("memory") == POSTBUS_LOG_TRACE);
  CHECK(s.transports[0].plugin.name == "redis-streams");
  CHECK(s.transports[0].plugin.origin == "text:19:1");
  CHECK(s.transports[0].dispatch == dispatch_mode::on_delivery);
  CHECK_FALSE(s.transports[0].required);
  CHECK(s.transports[0].data_max == 1024 * 1024);
  CHECK(s.transports[0].own == json::object({{"url", "redis://x"}}));
  const feature_settings& dedup = s.plugins.at("dedup");
  CHECK(dedup.topics.size() == 2);
  CHECK(dedup.key.text == "param:user");
  CHECK(dedup.at_publish == failure_policy::pass);
  CHECK(dedup.at_deliver == failure_policy::pass);
  CHECK(dedup.own == json::object({{"window", "1h"}}));
  CHECK(s.plugins.at("brake").at_publish == failure_policy::refuse);
  CHECK(s.plugins.at("brake").at_deliver == failure_policy::refuse);
}

TEST_CASE("a feature that fails refuses a publish and retries a delivery, unless told otherwise",
          "[settings]") {
  for (const char* toml : {"[plugin.x]", "[plugin.x]\non_error = \"retry\""}) {
    CHECK(read(toml).plugins.at("x").at_publish == failure_policy::refuse);
    CHECK(read(toml).plugins.at("x").at_deliver == failure_policy::retry);
  }
}

TEST_CASE("an unknown setting or table is named with file, line and the nearest", "[settings]") {
  const error e = refused("[bus]\nthread = 4\n");
  CHECK(e.code() == error::bad_config);
  CHECK(e.found() == "bus.thread (text:2:1)");
  CHECK(e.wanted() ==
        "one of name, threads, features, plugin_path, wait, sample_every, delayed_max, delayed_bytes_max, "
        "admin, admin_clients_max, "
        "admin_line_max, "
        "admin_queue_max, admin_timeout");
  CHECK(e.remedy() == "did you mean 'threads'?");
  const error table = refused("[buss]\n");
  CHECK(table.found() == "buss (text:1:2)");
  CHECK(table.wanted() == "one of the tables bus, log, transport, transports, route, store, plugin");
  CHECK(table.remedy() == "did you mean 'bus'?");
}

TEST_CASE("a setting of the wrong type or out of range is named with what is wanted", "[settings]") {
  const error e = refused("[bus]\nthreads = \"four\"\n");
  CHECK(e.found() == "bus.threads = \"four\" (text:2:1)");
  CHECK(e.wanted() == "an integer from 0 to 1024 (own worker threads; 0 = the executor of the application)");
  CHECK(e.remedy() == "write it without quotes");
  for (const char* toml :
       {"[bus]\nthreads = -1", "[bus]\nname = \"\"", "[bus]\nfeatures = \"dedup\"", "[bus]\nfeatures = [1]",
        "[bus]\nwait = \"nap\"", "[log]\nlevel = 3", "[transport]\nrequired = \"yes\"",
        "[transport]\ndispatch = \"threads\"", "[transport]\ndata_max = \"much\"",
        "[transport]\ndata_max = 0", "[plugin.x]\ntopics = []", "[plugin.x]\non_error = \"ignore\"",
        "[plugin.x]\nkey = \"\"", "bus = 4", "[[transport]]", "plugin.x = 1"}) {
    CAPTURE(toml);
    const error r = refused(toml);
    CHECK(r.code() == error::bad_config);
    CHECK(has(r.found(), "(text:"));
    CHECK_FALSE(r.wanted().empty());
  }
}

TEST_CASE("a name is counted in bytes", "[settings]") {
  std::string name;
  for (int i = 0; i < 128; ++i) name += "ä";
  CHECK(refused("[bus]\nname = \"" + name + "\"").found() == "bus.name of 256 bytes (text:2:1)");
}

TEST_CASE("a bad pattern among the topics is named with what is wrong with it", "[settings]") {
  const error e = refused("[plugin.x]\ntopics = [\"a\", \"a::b\"]\n");
  CHECK(e.found() == "plugin.x.topics[1] (text:2:16)");
  CHECK(has(e.remedy(), "an empty segment"));
}

TEST_CASE("a key must be captured by every pattern of the feature", "[settings]") {
  const error e = refused("[plugin.x]\ntopics = [\"a:{user}\", \"b:*\"]\nkey = \"param:user\"\n");
  CHECK(e.found() == "plugin.x.key (text:3:1) = \"param:user\", and the pattern b:*");
  CHECK(e.wanted() == "a pattern that captures {user}");
  CHECK(refused("[plugin.x]\nkey = \"param:user\"\n").wanted() == "a pattern that captures {user}");
  CHECK(read("[plugin.x]\nkey = \"header:tenant\"\n").plugins.at("x").key.parts.size() == 1);
}

TEST_CASE("several transports, routes and a store are read", "[settings]") {
  const settings s = read(R"(
[transport]
like = "redis-pubsub"
[transports.control]
plugin = "./far.so"
codec = "raw"
content_type = "application/json"
url = "x"
[transports.late]
plugin = "memory"
[[route]]
topics = ["agent:pause:*", "agent:**"]
transport = "control"
[[route]]
topics = ["data:{user}"]
transport = "default"
[store]
plugin = "redis-store"
size = 4
)");
  REQUIRE(s.transports.size() == 3);
  CHECK(s.transports[0].name == "default");
  CHECK(s.transports[0].like.name == "redis-pubsub");
  CHECK(s.transports[0].like.origin == "text:3:1");
  CHECK(s.transports[1].name == "control");
  CHECK(s.transports[1].path == "transports.control");
  CHECK(s.transports[1].plugin.name == "./far.so");
  CHECK(s.transports[1].format.codec == codec::raw);
  CHECK(s.transports[1].format.content_type == "application/json");
  CHECK(s.transports[1].own == json::object({{"url", "x"}}));
  CHECK(s.transports[2].name == "late");
  REQUIRE(s.routes.size() == 2);
  CHECK(s.routes[0].topics == std::vector<std::string>{"agent:pause:*", "agent:**"});
  CHECK(s.routes[0].transport == 1);
  CHECK(s.routes[1].transport == 0);
  CHECK(s.store.plugin.name == "redis-store");
  CHECK(s.store.own == json::object({{"size", 4}}));
}

TEST_CASE("a wrong transport, route or store is named with its place, what is wanted and what to do",
          "[settings]") {
  struct row {
    const char *toml, *found, *wanted, *remedy;
  };
  const row rows[] = {
      {"[transports.default]\nplugin = \"x\"", "transports.default (text:1:13)",
       "another name: default is that of [transport]", "write its settings in [transport]"},
      {"[transports.far]\nurl = \"x\"", "no transports.far.plugin (text:1:13)",
       "text of at least 1 characters (id or file of the transport)", "add it"},
      {"transports = 4", "transports = 4 (text:1:1)", "a table", "write [transports] and its settings below"},
      {"[transports]\nfar = 4", "transports.far = 4 (text:2:1)", "a table",
       "write [transports.far] and its settings below"},
      {"route = 4", "route (text:1:1)", "a list of tables", "write [[route]] and its settings below"},
      {"route = [4]", "route[0] = 4 (text:1:10)", "a table", "write [[route]] and its settings below"},
      {"[transports.far]\nplugin = \"x\"\n[[route]]\ntopics = [\"a\"]\ntransport = \"fra\"",
       "route[0].transport = \"fra\" (text:5:1)", "one of default, far", "did you mean 'far'?"},
      {"[[route]]\ntopics = [\"a\"]\ntransport = \"control\"", "route[0].transport = \"control\" (text:3:1)",
       "one of default", "add [transports.control]"},
      {"[[route]]\ntopic = [\"a\"]", "route[0].topic (text:2:1)", "one of topics, transport",
       "did you mean 'topics'?"},
      {"[store]\nplugin = 4", "store.plugin = 4 (text:2:1)", nullptr, "put it in quotes"},
  };
  for (const row& r : rows) {
    CAPTURE(r.toml);
    const error e = refused(r.toml);
    CHECK(e.code() == error::bad_config);
    CHECK(e.found() == r.found);
    if (r.wanted != nullptr) CHECK(e.wanted() == r.wanted);
    CHECK(e.remedy() == r.remedy);
  }
  CHECK(refused("[[route]]\ntransport = \"default\"").found() == "no route[0].topics (text:1:1)");
  CHECK(refused("[[route]]\ntopics = []\ntransport = \"default\"").found() ==
        "route[0].topics = [] (text:2:1)");
  CHECK(refused("[[route]]\ntopics = [\"a\", \"b::c\"]\ntransport = \"default\"").found() ==
        "route[0].topics[1] (text:2:16)");
}
