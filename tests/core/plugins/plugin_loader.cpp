#include "plugins/plugin_loader.hpp"

#include "linked_module.hpp"
#include "refusal.hpp"

#include <cstdlib>
#include <filesystem>
#include <string>

using namespace postbus;
using namespace postbus::detail;
namespace fs = std::filesystem;

extern "C" const postbus_module postbus_module_dso_linked;

namespace {

fs::path folder(std::string_view name) { return fs::path(POSTBUS_TEST_DSO_DIR) / name; }
std::string library(std::string_view name) { return (folder(name) / "sample.so").string(); }

// A transport and a few features, linked.
const linked_module& parts() {
  static const linked_module module(
      {"wire", "gate", "claim", "needy", "friend"},
      R"({"id": "wire", "provides": ["postbus.transport/1"], "data_max": "1kB", "config_schema": {"properties": {
            "url": {"type": "string", "default": "here"}}}},
         {"id": "gate", "provides": ["postbus.interceptor/1"], "phase": "gate"},
         {"id": "claim", "provides": ["postbus.interceptor/1"], "phase": "claim",
          "config_schema": {"properties": {"window": {"type": "integer", "format": "duration", "default": "1h"}}}},
         {"id": "needy", "provides": ["postbus.interceptor/1"], "requires": ["postbus.runtime/1", "friendship/1", "friend"]},
         {"id": "friend", "provides": ["postbus.control/1", "friendship/1"]})");
  return module;
}

config wired() { return config().module(parts().module).transport("wire"); }
error refused(const config& c) {
  return refusal([&] { prepare(c); });
}
error refused(std::string_view dso) {
  return refused(config().plugin_path(folder(dso)).transport("sample-transport"));
}

}  // namespace

TEST_CASE("a bus is prepared from libraries: plugins loaded, settings complete", "[plugin_loader]") {
  const prepared p =
      prepare(config().plugin_path(folder("good")).transport("sample-transport").feature("sample"));
  REQUIRE(p.transports.size() == 1);
  REQUIRE(p.features.size() == 1);
  CHECK(p.transports[0].id == "sample-transport");
  CHECK(p.transports[0].origin == "set in code");
  CHECK(p.features[0].id == "sample");
  CHECK(std::string(p.features[0].desc->id) == "sample");
  CHECK(p.features[0].manifest->id == "sample");
  CHECK(p.features[0].config == json::object({{"window", 3'600'000'000'000}}));
  CHECK(p.host.plugins.count("sample") == 1);
}

TEST_CASE("a library is loaded once, and its manifest stays where it is", "[plugin_loader]") {
  const auto c = config().transport(library("good")).feature(library("good"));
  const prepared first = prepare(c), second = prepare(c);
  CHECK(first.transports[0].manifest == second.transports[0].manifest);
  CHECK(first.transports[0].desc == second.transports[0].desc);
}

TEST_CASE("a linked module takes the same way as a library", "[plugin_loader]") {
  const prepared p =
      prepare(config().module(postbus_module_dso_linked).transport("sample-transport").feature("sample"));
  CHECK(p.features[0].desc == postbus_module_dso_linked.plugins[0]);
  postbus_module bad = postbus_module_dso_linked;
  bad.magic = 1;
  CHECK(refused(config().module(bad).transport("sample-transport")).found() ==
        "a linked module, whose module begins with 0x00000001");
}

TEST_CASE("a library that is not what it should be is refused, with what was found and what was wanted",
          "[plugin_loader]") {
  struct row {
    const char *dso, *found, *wanted, *remedy;
  };
  const row rows[] = {
      {"no-module", ", which has a manifest but exports no postbus_module_v1", "that symbol",
       "end the source with POSTBUS_PLUGINS(…)"},
      {"wrong-magic", ", whose module begins with 0x12345678", "0x31534250",
       "build it with POSTBUS_PLUGINS, or set POSTBUS_MAGIC"},
      {"newer-contract", ", built for contract 2", "contract 1, which this host has",
       "use a newer postbus, or an older build of the plugin"},
      {"newer-host-wanted", ", which wants a host of contract 1.7 or newer",
       "at most 1.0, which this host has", "use a newer postbus"},
      {"short-module", ", whose module is of 16 bytes", "at least 40", "build it with the postbus SDK"},
      {"other-manifest", ", whose module has another manifest than its note", "the same text in both",
       "build the library again; if it was replaced while the program ran, start the program again"},
      {"missing-description", ", whose manifest has a plugin 'sample-transport' that the module has not",
       "its description in the module", "add it to POSTBUS_PLUGINS, or remove it from plugin.json"},
      {"stranger", ", which has a plugin 'stranger'", "its entry in the manifest", "add it to plugin.json"},
      {"short-description", ", which describes a plugin incompletely",
       "a postbus_plugin_desc of 24 bytes with id and create", "build the plugin with the postbus SDK"},
  };
  for (const row& r : rows) {
    CAPTURE(r.dso);
    const error e = refused(r.dso);
    CHECK(e.code() == error::bad_plugin);
    CHECK(e.found() == library(r.dso) + r.found);
    CHECK(e.wanted() == r.wanted);
    CHECK(e.remedy() == r.remedy);
    // Not better the second time, when it is loaded already.
    CHECK(refused(r.dso).found() == e.found());
  }
}

TEST_CASE("a library that lacks a symbol is refused when it is loaded, and the symbol is named",
          "[plugin_loader]") {
  const error e = refused("unresolved");
  CHECK(has(e.found(), library("unresolved") + ", which cannot be loaded: "));
  CHECK(has(e.found(), "nobody_has_this"));
  CHECK(e.remedy() == "see what is missing with: ldd -r " + library("unresolved"));
}

TEST_CASE("what a plugin requires is met by the host, by an interface, or by an id", "[plugin_loader]") {
  CHECK(prepare(wired().feature("needy").feature("friend")).features.size() == 2);
  const error e = refused(wired().feature("needy"));
  CHECK(e.code() == error::bad_plugin);
  CHECK(e.found() == "plugin 'needy' (a linked module), which requires friendship/1");
  CHECK(e.wanted() == "a configured plugin that provides it");
  CHECK(e.remedy() == "add to the configuration: friend");
  const linked_module lonely(
      {"lonely"}, R"({"id": "lonely", "provides": ["postbus.control/1"], "requires": ["nobody"]})");
  const error none = refused(wired().module(lonely.module).feature("lonely"));
  CHECK(none.wanted() == "that plugin, configured");
  CHECK(none.remedy() == "no plugin on the path has it: install one, or leave 'lonely' out");
}

TEST_CASE("a requirement is missed before any library is loaded", "[plugin_loader]") {
  const error e = refused(wired().feature("needy").plugin_path(folder("unresolved")).feature("sample"));
  CHECK(e.found() == "plugin 'needy' (a linked module), which requires friendship/1");
}

TEST_CASE("deliveries must not meet a claim before a gate", "[plugin_loader]") {
  CHECK(prepare(wired().feature("claim").feature("gate")).features.size() == 2);
  const error e = refused(wired().feature("gate").feature("claim"));
  CHECK(e.code() == error::bad_config);
  CHECK(e.found() == "bus.features with the gate 'gate' before the claim 'claim'");
  CHECK(e.remedy() == "put 'claim' before 'gate'");
}

TEST_CASE("a plugin's settings come complete, and a wrong one is named", "[plugin_loader]") {
  const prepared p = prepare(
      wired().feature("claim").set("plugin.claim.window", "2s").set("plugin.claim.topics", "[\"a\"]"));
  CHECK(p.transports[0].config == json::object({{"url", "here"}}));
  CHECK(p.features[0].config == json::object({{"window", 2'000'000'000}}));
  CHECK(p.host.plugins.at("claim").topics == std::vector<std::string>{"a"});
  const error e = refused(wired().set("transport.dispach", "inline"));
  CHECK(e.found() == "transport.dispach (set in code)");
  CHECK(e.wanted() ==
        "one of url, plugin, wrappers, dispatch, required, data_max, like, codec, content_type, "
        "on_unavailable, sha256");
  CHECK(e.remedy() == "did you mean 'dispatch'?");
  CHECK(refused(wired().feature("claim").set("plugin.claim.window", "soon")).found() ==
        "plugin.claim.window = \"soon\" (set in code)");
}

TEST_CASE("settings for a plugin that is not there are refused", "[plugin_loader]") {
  const error e = refused(wired().feature("claim").set("plugin.clam.window", "1h"));
  CHECK(e.code() == error::bad_config);
  CHECK(e.found() == "plugin.clam (set in code), and no such plugin in bus.features");
  CHECK(e.wanted() == "the table of one of claim");
  CHECK(e.remedy() == "did you mean 'claim'?");
  CHECK(refused(wired().set("plugin.wire.url", "x")).remedy() ==
        "write the settings of the transport in [transport]");
}

TEST_CASE("a feature twice is refused", "[plugin_loader]") {
  CHECK(refused(wired().feature("gate").feature("gate")).found() ==
        "plugin 'gate' a second time (set in code)");
}

TEST_CASE("the transport bounds the data, and no setting goes above it", "[plugin_loader]") {
  CHECK(prepare(wired()).host.transports[0].data_max == 1000);
  CHECK(prepare(wired().set("transport.data_max", "10B")).host.transports[0].data_max == 10);
  const error e = refused(wired().set("transport.data_max", "2kB"));
  CHECK(e.found() == "transport.data_max = 2000 bytes (set in code)");
  CHECK(e.wanted() == "at most 1000, which 'wire' takes");
}

TEST_CASE("a plugin that wraps is refused where a feature is wanted, not when it lies on the path",
          "[plugin_loader]") {
  const linked_module later({"later"},
                            R"({"id": "later", "provides": ["postbus.transport/1"], "wraps": "transport"})");
  CHECK(prepare(wired().module(later.module)).features.size() == 0);
  CHECK(refused(wired().module(later.module).feature("later")).code() == error::bad_config);
}

namespace {

// A library with a transport and its store, a transport without capabilities, two stores, and a feature that asks for one.
const linked_module& far() {
  static const linked_module module({"far", "far-store", "bare", "asks"},
                                    R"({"id": "far", "provides": ["postbus.transport/1"], "data_max": "1kB",
            "capabilities": ["credit", "ack", "lease", "group", "pattern", "persist"]},
         {"id": "far-store", "provides": ["postbus.store/1"], "config_schema": {"properties": {"size": {"type": "integer", "default": 1}}}},
         {"id": "bare", "provides": ["postbus.transport/1"], "capabilities": ["credit"], "data_max": "10B"},
         {"id": "asks", "provides": ["postbus.interceptor/1"], "requires": ["postbus.store/1"]})");
  return module;
}
const linked_module& memory_store() {
  static const linked_module module({"memory-store"},
                                    R"({"id": "memory-store", "provides": ["postbus.store/1"]})");
  return module;
}
config from_afar() { return config().module(far().module).transport("far"); }

}  // namespace

TEST_CASE("a transport that is like another one offers no more than that one, and takes no more",
          "[plugin_loader]") {
  const prepared plain = prepare(from_afar());
  CHECK((plain.transports[0].can & POSTBUS_CAN_GROUP) != 0);
  CHECK(plain.host.transports[0].data_max == 1000);
  const prepared limited = prepare(from_afar().set("transport.like", "bare"));
  // How it works with the core stays its own.
  CHECK(limited.transports[0].can == (POSTBUS_CAN_CREDIT | POSTBUS_CAN_ACK | POSTBUS_CAN_LEASE));
  CHECK(limited.host.transports[0].data_max == 10);
  CHECK(limited.transports.size() == 1);
  const error large = refused(from_afar().set("transport.like", "bare").set("transport.data_max", "11B"));
  CHECK(large.found() == "transport.data_max = 11 bytes (set in code)");
  CHECK(large.wanted() == "at most 10, which 'bare' takes");
  CHECK(refused(from_afar().set("transport.like", "far-store")).code() == error::bad_config);
  const error missing = refused(from_afar().set("transport.like", "bar"));
  CHECK(missing.code() == error::bad_plugin);
  CHECK(has(missing.found(), "no plugin 'bar' (set in code)"));
  CHECK(missing.remedy() == "did you mean 'bare'?");
}

TEST_CASE("each of several transports is configured by its own table", "[plugin_loader]") {
  const prepared p = prepare(from_afar()
                                 .module(parts().module)
                                 .transport("one", "wire")
                                 .transport("two", "wire")
                                 .set("transports.two.url", "there"));
  REQUIRE(p.transports.size() == 3);
  CHECK(p.transports[1].config == json::object({{"url", "here"}}));
  CHECK(p.transports[2].config == json::object({{"url", "there"}}));
  CHECK(p.transports[1].origin == "set in code");
  const error e =
      refused(from_afar().module(parts().module).transport("one", "wire").set("transports.one.ulr", "x"));
  CHECK(e.found() == "transports.one.ulr (set in code)");
  CHECK(e.remedy() == "did you mean 'url'?");
}

TEST_CASE("the store is the one beside the default transport, else the in-memory one, if somebody asks",
          "[plugin_loader]") {
  CHECK_FALSE(prepare(from_afar()).store);
  const prepared beside = prepare(from_afar().module(memory_store().module).feature("asks"));
  REQUIRE(beside.store);
  CHECK(beside.store->id == "far-store");
  CHECK(beside.store->config == json::object({{"size", 1}}));
  const prepared other = prepare(config()
                                     .module(far().module)
                                     .module(parts().module)
                                     .module(memory_store().module)
                                     .transport("wire")
                                     .feature("asks"));
  REQUIRE(other.store);
  CHECK(other.store->id == "memory-store");
  // That of the memory library, where no linked one has its name.
  const prepared library =
      prepare(config().module(far().module).module(parts().module).transport("wire").feature("asks"));
  REQUIRE(library.store);
  CHECK(library.store->id == "memory-store");
  CHECK_FALSE(prepare(config().transport("memory")).store);
  CHECK(prepare(config().module(far().module).transport("memory").feature("asks")).store->id ==
        "memory-store");
  const prepared named =
      prepare(from_afar().module(memory_store().module).feature("asks").set("store.plugin", "memory-store"));
  CHECK(named.store->id == "memory-store");
}

TEST_CASE("settings of a store that nobody uses are refused, and wrong ones of one that is used",
          "[plugin_loader]") {
  const error e = refused(from_afar().set("store.size", "4"));
  CHECK(e.code() == error::bad_config);
  CHECK(e.found() == "store.size (set in code), and no store is used");
  CHECK(e.remedy() == "name the store in store.plugin, or remove the setting");
  const error wrong = refused(from_afar().feature("asks").set("store.sise", "4"));
  CHECK(wrong.found() == "store.sise (set in code)");
  CHECK(wrong.remedy() == "did you mean 'size'?");
  CHECK(refused(from_afar().set("store.plugin", "far")).remedy() == "give it as transport.plugin");
}

TEST_CASE("a feature that goes by an attribute is refused where its topics go over the codec raw",
          "[plugin_loader]") {
  const auto c = [] {
    return from_afar()
        .module(parts().module)
        .feature("gate")
        .transport("plain", "wire")
        .set("transports.plain.codec", "raw")
        .route({"plain:**"}, "plain");
  };
  CHECK(prepare(c()).features.size() == 1);
  const error e = refused(c().set("plugin.gate.key", "header:tenant"));
  CHECK(e.code() == error::unsupported);
  CHECK(
      e.found() ==
      "plugin.gate.key = \"header:tenant\" (set in code) for topics of transports.plain, whose codec is raw");
  CHECK(e.remedy() == "narrow plugin.gate.topics, or use another codec");
  CHECK(refused(c().set("plugin.gate.key", "id")).code() == error::unsupported);
  prepare(c().set("plugin.gate.key", "id").set("plugin.gate.topics", "[\"data:**\"]"));
  prepare(c().set("plugin.gate.key", "param:x").set("plugin.gate.topics", "[\"plain:{x}\"]"));
}
