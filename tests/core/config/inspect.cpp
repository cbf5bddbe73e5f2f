// What a configuration means, told without starting it.
#include "linked_module.hpp"
#include "plugins/plugin_loader.hpp"
#include "refusal.hpp"
#include "support/bus.hpp"
#include "support/temporary_folder.hpp"
#include "text/toml_text.hpp"

#include <postbus/inspect.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>

using namespace postbus;
using namespace postbus::tests;
namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

// A transport, a feature, and a store that the feature asks for.
const linked_module& parts() {
  static const linked_module module(
      {"wire", "stamp", "wire-store", "plain"},
      R"({"id": "wire", "summary": "A wire.", "provides": ["postbus.transport/1"], "capabilities": ["credit", "group", "persist"],
          "data_max": "1kB", "config_schema": {"required": ["url"], "properties": {
            "url": {"type": "string", "description": "where to"},
            "link": {"properties": {"timeout": {"type": "integer", "format": "duration", "default": "5s"}, "name": {"type": "string"}}}}}},
         {"id": "stamp", "provides": ["postbus.interceptor/1"], "requires": ["postbus.store/1"], "config_schema": {"properties": {
            "window": {"type": "integer", "format": "duration", "default": "1h", "description": "how long it counts"}}}},
         {"id": "wire-store", "provides": ["postbus.store/1"], "config_schema": {"additionalProperties": true, "properties": {
            "size": {"type": "integer", "format": "bytes", "default": "1MiB"}}}},
         {"id": "plain", "provides": ["postbus.transport/1"]})");
  return module;
}

config whole() {
  return config::from_toml(R"(
[bus]
name = "fleet"
features = ["stamp"]
[log]
modules = {memory = "trace", "a b" = "off"}
[transport]
plugin = "wire"
url = "redis://${POSTBUS_TEST_WORD}@host"
link.name = "main"
[transports.control]
plugin = "plain"
codec = "raw"
like = "wire"
[[route]]
topics = ["agent:pause:*", "agent:**"]
transport = "control"
[[route]]
topics = ["data:{user}"]
transport = "default"
[store]
shape = "odd"
[plugin.stamp]
topics = ["jobs:{user}:**"]
key = "param:user"
window = "90s"
)")
      .module(parts().module);
}

const setting_info* find(const std::vector<settings_table>& tables, std::string_view path) {
  for (const settings_table& table : tables)
    for (const setting_info& row : table.settings)
      if (row.path == path) return &row;
  return nullptr;
}
const setting_info& at(const std::vector<settings_table>& tables, std::string_view path) {
  CAPTURE(std::string(path));
  const setting_info* found = find(tables, path);
  REQUIRE(found != nullptr);
  return *found;
}
std::vector<std::string> names(const std::vector<settings_table>& tables) {
  std::vector<std::string> list;
  for (const settings_table& table : tables) list.push_back(table.table + " " + table.whose);
  return list;
}
const plugin_info& at(const std::vector<plugin_info>& rows, std::string_view id) {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const auto& r) { return r.id == id; });
  REQUIRE(found != rows.end());
  return *found;
}
const capability_info& at(const std::vector<capability_info>& rows, std::string_view transport,
                          std::string_view name) {
  CAPTURE(std::string(name));
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const auto& r) {
    return r.transport == transport && r.capability == name;
  });
  REQUIRE(found != rows.end());
  return *found;
}

// What of a prepared bus can be compared.
std::string fingerprint(const config& c) {
  const detail::prepared p = detail::prepare_unloaded(c);
  std::string text = p.host.name + " " + std::to_string(p.host.threads) + " " +
                     std::to_string(p.host.log.level) + " " + p.host.admin.path;
  for (const auto& [module, level] : p.host.log.modules) text += " " + module + "=" + std::to_string(level);
  for (std::size_t i = 0; i < p.transports.size(); ++i) {
    const auto& t = p.host.transports[i];
    text += "\n" + t.path + " " + t.plugin.name + " " + t.like.name + " " + std::to_string(t.data_max) + " " +
            t.format.content_type + " " + std::to_string(static_cast<int>(t.format.codec)) + " " +
            std::to_string(p.transports[i].can) + json::serialize(p.transports[i].config);
  }
  for (const auto& r : p.host.routes) {
    text += "\nroute";
    for (const std::string& topic : r.topics) text += " " + topic;
    text += " > " + std::to_string(r.transport);
  }
  for (const auto& f : p.features) {
    const auto own = p.host.plugins.find(f.id);
    text += "\n" + f.id + json::serialize(f.config) +
            (own != p.host.plugins.end() ? " " + own->second.key.text : "");
    if (own != p.host.plugins.end())
      for (const std::string& topic : own->second.topics) text += " " + topic;
  }
  if (p.store) text += "\nstore " + p.store->id + json::serialize(p.store->config);
  return text;
}

}  // namespace

TEST_CASE("without a configuration every table of the host is explained, and the default transport's plugin",
          "[inspect]") {
  const auto tables = explain_settings(config().plugin_path(POSTBUS_TEST_PLUGIN_DIR));
  const std::string memory =
      "plugin 'memory' (" + fs::canonical(POSTBUS_TEST_PLUGIN_DIR).string() + "/memory.so)";
  CHECK(names(tables) == std::vector<std::string>{"[bus] the bus", "[log] the bus", "[transport] the bus",
                                                  "[transport] " + memory, "[transports.NAME] the bus",
                                                  "[[route]] the bus", "[store] the bus",
                                                  "[plugin.NAME] the bus"});
  const setting_info& threads = at(tables, "bus.threads");
  CHECK(threads.wanted == "an integer from 0 to 1024");
  CHECK(threads.meaning == "own worker threads; 0 = the executor of the application");
  CHECK(threads.default_value == "2");
  CHECK(threads.unit.empty());
  CHECK_FALSE(threads.required);
  CHECK(threads.value.empty());
  CHECK(threads.origin.empty());
  CHECK(at(tables, "bus.name").default_value == "\"postbus\"");
  CHECK(at(tables, "bus.admin_timeout").unit == "duration");
  CHECK(at(tables, "transport.data_max").default_value == "\"16MiB\"");
  CHECK(at(tables, "transport.queue_bytes_max").unit == "bytes");
  CHECK(at(tables, "route[].topics").required);
  for (const char* path :
       {"transports.NAME.plugin", "store.plugin", "plugin.NAME.on_error", "log.modules", "transport.sha256"})
    CHECK(find(tables, path) != nullptr);
  CHECK(find(tables, "transports.NAME.queue_max") == nullptr);
}

TEST_CASE("every setting in a schema of the host is explained, with a meaning", "[inspect]") {
  const auto tables = explain_settings(config().plugin_path(POSTBUS_TEST_PLUGIN_DIR));
  std::size_t count = 0;
  for (const settings_table& table : tables)
    for (const setting_info& row : table.settings) {
      CAPTURE(row.path);
      CHECK_FALSE(row.meaning.empty());
      CHECK_FALSE(row.wanted.empty());
      ++count;
    }
  CHECK(count > 40);
}

TEST_CASE("a configuration's own values are shown, where they stand, secrets as references", "[inspect]") {
  const variable word("POSTBUS_TEST_WORD", "hunter2");
  const auto tables = explain_settings(whole());
  CHECK(names(tables) == std::vector<std::string>{
                             "[bus] the bus", "[log] the bus", "[transport] the bus",
                             "[transport] plugin 'wire' (a linked module)", "[transports.control] the bus",
                             "[transports.control] plugin 'plain' (a linked module)", "[[route]] the bus",
                             "[[route]] the bus", "[store] the bus",
                             "[store] plugin 'wire-store' (a linked module)", "[plugin.stamp] the bus",
                             "[plugin.stamp] plugin 'stamp' (a linked module)"});
  CHECK(at(tables, "transport.url").value == "\"redis://${POSTBUS_TEST_WORD}@host\"");
  CHECK(at(tables, "transport.url").origin == "text:9:1");
  CHECK(at(tables, "transport.url").required);
  CHECK(at(tables, "transport.link.name").value == "\"main\"");
  CHECK(at(tables, "transport.link.timeout").default_value == "\"5s\"");
  CHECK(at(tables, "transports.control.codec").value == "\"raw\"");
  CHECK(at(tables, "route[0].topics").value == "[\"agent:pause:*\", \"agent:**\"]");
  CHECK(at(tables, "route[1].transport").value == "\"default\"");
  CHECK(at(tables, "log.modules").value == "{\"a b\" = \"off\", memory = \"trace\"}");
  CHECK(at(tables, "store.shape").value == "\"odd\"");
  CHECK(at(tables, "plugin.stamp.window").value == "\"90s\"");
  for (const settings_table& table : tables)
    for (const setting_info& row : table.settings) CHECK_FALSE(has(row.value, "hunter2"));
}

TEST_CASE("one plugin is explained by its id or file, used or not", "[inspect]") {
  const variable word("POSTBUS_TEST_WORD", "hunter2");
  const auto used = explain_settings(whole(), "wire");
  CHECK(names(used) == std::vector<std::string>{"[transport] plugin 'wire' (a linked module)"});
  CHECK(at(used, "transport.url").value == "\"redis://${POSTBUS_TEST_WORD}@host\"");
  CHECK(find(used, "transport.codec") == nullptr);
  const auto unused =
      explain_settings(config().module(parts().module).set("transport.window", "2s"), "stamp");
  CHECK(names(unused) == std::vector<std::string>{"[plugin.stamp] plugin 'stamp' (a linked module)"});
  const auto other =
      explain_settings(config().module(parts().module).transport("plain").set("transport.url", "x"), "wire");
  CHECK(at(other, "transport.url").value.empty());
  CHECK(names(explain_settings(whole(), "wire-store")).front() ==
        "[store] plugin 'wire-store' (a linked module)");
  const std::string file = std::string(POSTBUS_TEST_DSO_DIR) + "/good/sample.so";
  CHECK(at(explain_settings(config(), file), "plugin.sample.window").default_value == "\"1h\"");
  const error e = refusal([] { explain_settings(config().module(parts().module), "stmap"); });
  CHECK(e.code() == error::bad_plugin);
  CHECK(e.remedy().substr(0, 24) == "did you mean 'stamp'?");
}

TEST_CASE("explaining needs no code of a library to run", "[inspect]") {
  const auto c =
      config().plugin_path(std::string(POSTBUS_TEST_DSO_DIR) + "/unresolved").transport("sample-transport");
  CHECK_FALSE(explain_settings(c).empty());
  CHECK_FALSE(explain_capabilities(c).empty());
  CHECK_FALSE(effective_toml(c).empty());
  CHECK(at(list_plugins(c), "sample").problem.empty());
  CHECK(has(refusal([&] { check(c); }).found(), "nobody_has_this"));
}

TEST_CASE("all plugins of the path are listed, the broken and the hidden ones with what is wrong",
          "[inspect]") {
  const temporary_folder folder;
  const fs::path dso = POSTBUS_TEST_DSO_DIR;
  fs::copy_file(dso / "good" / "sample.so", folder.path / "again.so");
  folder.write("text.so", "no library");
  const auto rows = list_plugins(config()
                                     .module(parts().module)
                                     .plugin_path(dso / "good")
                                     .plugin_path(folder.path)
                                     .transport("wire")
                                     .feature("stamp")
                                     .feature((dso / "namesakes" / "second.so").string())
                                     .set("transport.url", "x"));
  const plugin_info& wire = at(rows, "wire");
  CHECK(wire.used);
  CHECK(wire.version == "1.0.0");
  CHECK(wire.summary == "A wire.");
  CHECK(wire.file == "a linked module");
  CHECK(wire.provides == std::vector<std::string>{"postbus.transport/1"});
  CHECK(wire.capabilities == std::vector<std::string>{"credit", "group", "persist"});
  CHECK(at(rows, "stamp").needs == std::vector<std::string>{"postbus.store/1"});
  CHECK_FALSE(at(rows, "plain").used);
  CHECK(at(rows, "wire-store").used);
  CHECK_FALSE(at(rows, "sample").used);
  const auto row_of = [&](const fs::path& file) {
    return *std::find_if(rows.begin(), rows.end(), [&](const plugin_info& r) { return r.file == file; });
  };
  CHECK(row_of(folder.path / "again.so").problem ==
        "hidden: " + (dso / "good" / "sample.so").string() + " has a plugin of this id, and comes first");
  CHECK(has(row_of(folder.path / "text.so").problem, "is not an ELF file"));
  CHECK(row_of(dso / "namesakes" / "second.so").used);
  const auto broken = list_plugins(config().transport("./nothing.so"));
  CHECK(broken.back().file == "./nothing.so");
  CHECK(broken.back().used);
  CHECK(has(broken.back().problem, "No such file or directory"));
}

TEST_CASE("what a transport has is native, less what the one it is like has not", "[inspect]") {
  using how = capability_info::how;
  const variable word("POSTBUS_TEST_WORD", "x");
  const auto rows = explain_capabilities(whole()
                                             .set("transports.third.plugin", "wire")
                                             .set("transports.third.url", "x")
                                             .set("transports.third.like", "plain"));
  CHECK(at(rows, "default", "groups").supplied == how::native);
  CHECK(at(rows, "default", "groups").plugin == "wire");
  CHECK(at(rows, "default", "persistence").supplied == how::native);
  CHECK(at(rows, "default", "patterns").supplied == how::refused);
  CHECK(at(rows, "default", "acknowledgement").supplied == how::core);
  CHECK(at(rows, "default", "retry and backoff").supplied == how::core);
  CHECK(at(rows, "default", "ids, headers, ordering key, ttl").supplied == how::core);
  CHECK(at(rows, "control", "groups").supplied == how::refused);
  CHECK(at(rows, "control", "ids, headers, ordering key, ttl").supplied == how::refused);
  CHECK(at(rows, "third", "groups").supplied == how::refused);
  CHECK(at(rows, "third", "groups").remark == "subscribe refuses a group (limited as 'plain')");
}

TEST_CASE("what is said to be refused is refused", "[inspect]") {
  using how = capability_info::how;
  const auto c = config_for("memory");
  const auto rows = explain_capabilities(c);
  bus b(c);
  CHECK(at(rows, "default", "groups").supplied == how::native);
  CHECK(at(rows, "default", "patterns").supplied == how::native);
  for (const char* supplied : {"delay", "request and reply", "order by key", "parking", "handler time-out",
                               "retry and backoff", "delivery lease", "buffering while it is away"})
    CHECK(at(rows, "default", supplied).supplied == how::core);
  CHECK(at(rows, "default", "partitions").supplied == how::refused);
  subscribe_options group;
  group.group = "g";
  const auto s = b.subscribe(
      "a:*", [](const delivery&) {}, group);
}

TEST_CASE("the effective configuration reads back as the same one, and shows no secret", "[inspect]") {
  const variable word("POSTBUS_TEST_WORD", "hunter2");
  const config c = whole();
  const std::string text = effective_toml(c);
  CAPTURE(text);
  CHECK(has(text, "url = \"redis://${POSTBUS_TEST_WORD}@host\"\n"));
  CHECK_FALSE(has(text, "hunter2"));
  CHECK_FALSE(has(text, "NAME"));
  CHECK(has(text, "\n[plugin.stamp]\ntopics = [\"jobs:{user}:**\"]\n"));
  CHECK(has(text, "link.timeout = \"5s\"\n"));
  CHECK(has(text, "data_max = \"1kB\"\n"));
  const config again = config::from_toml(text).module(parts().module);
  CHECK(fingerprint(again) == fingerprint(c));
  CHECK(effective_toml(again) == text);
}

TEST_CASE("a default that looks like a reference stays what it is", "[inspect]") {
  const linked_module odd(
      {"odd"}, R"({"id": "odd", "provides": ["postbus.transport/1"], "config_schema": {"properties": {
      "pattern": {"type": "string", "default": "${POSTBUS_TEST_NOBODY} @x"}, "to": {"type": "string", "default": "@all"}}}})");
  const config c = config().module(odd.module).transport("odd");
  CHECK(fingerprint(config::from_toml(effective_toml(c)).module(odd.module)) == fingerprint(c));
}

TEST_CASE("the configuration in the documentation is one that works", "[inspect]") {
  std::ifstream page(POSTBUS_TEST_DOCS_DIR "/configuration.md");
  const std::string text{std::istreambuf_iterator<char>(page), {}};
  const std::string fence = "```toml\n";
  const std::size_t begin = text.find(fence);
  REQUIRE(begin != std::string::npos);
  const std::size_t end = text.find("```", begin + fence.size());
  const variable word("SECRET_WORD", "xyzzy");
  const linked_module module({"no-secrets"},
                             R"({"id": "no-secrets", "provides": ["postbus.interceptor/1"], "config_schema": {
      "properties": {"word": {"type": "string", "default": "password"}}}})");
  const config c = config::from_toml(text.substr(begin + fence.size(), end - begin - fence.size()));
  check(config(c).module(module.module).plugin_path(POSTBUS_TEST_PLUGIN_DIR));
}

TEST_CASE("the table of promises in the documentation says what becomes of each capability", "[inspect]") {
  using how = capability_info::how;
  std::ifstream page(POSTBUS_TEST_DOCS_DIR "/../transports/README.md");
  std::vector<std::pair<std::string, std::string>> written;
  for (std::string line; std::getline(page, line);) {
    const std::size_t first = line.find(" | ");
    const std::size_t second = first == std::string::npos ? first : line.find(" | ", first + 3);
    if (!line.starts_with("| ") || second == std::string::npos) continue;
    written.emplace_back(line.substr(2, first - 2), line.substr(first + 3, second - first - 3));
  }
  const auto says = [&](const std::string& capability, const std::string& word) {
    return std::find(written.begin(), written.end(), std::pair(capability, word)) != written.end();
  };
  const auto rows = explain_capabilities(config_for("memory").set("store.plugin", "memory-store"));
  const std::map<how, std::string> words{
      {how::native, "native"}, {how::core, "core"}, {how::refused, "refused"}};
  for (const capability_info& row : rows) {
    CAPTURE(row.capability);
    CHECK(says(row.capability, words.at(at(rows, "default", row.capability).supplied)));
  }
  for (const auto& [capability, word] : written) {
    if (word != "native" && word != "core" && word != "refused") continue;
    CAPTURE(capability);
    CHECK(std::any_of(rows.begin(), rows.end(),
                      [&](const capability_info& row) { return row.capability == capability; }));
  }
}

TEST_CASE("an effective configuration is one that could start", "[inspect]") {
  CHECK(refusal([] { effective_toml(config().module(parts().module).transport("wire")); }).found() ==
        "no transport.url (set in code)");
}

TEST_CASE("the same configuration in a file, in a text and in code is the same one", "[inspect]") {
  const char* toml = R"([bus]
name = "fleet"
threads = 3
admin = "unix:./fleet.sock"
features = ["stamp"]
[transport]
plugin = "wire"
url = "here"
[transports.control]
plugin = "plain"
[[route]]
topics = ["agent:pause:*", "agent:resume:*"]
transport = "control"
[plugin.stamp]
window = "2s"
)";
  const temporary_folder folder;
  const config file = config::from_file(folder.write("fleet.toml", toml)).module(parts().module);
  const config text = config::from_toml(toml).module(parts().module);
  config code;
  code.name("fleet")
      .threads(3)
      .admin("unix:./fleet.sock")
      .feature("stamp")
      .transport("wire")
      .set("transport.url", "here");
  code.transport("control", "plain")
      .route({"agent:pause:*", "agent:resume:*"}, "control")
      .set("plugin.stamp.window", "2s");
  code.module(parts().module);
  CHECK(fingerprint(file) == fingerprint(text));
  CHECK(fingerprint(code) == fingerprint(text));
  CHECK(effective_toml(file) == effective_toml(text));
  CHECK(effective_toml(code) == effective_toml(text));
}

TEST_CASE("a value written as TOML reads back as the same value", "[inspect]") {
  for (const char* text : {R"("")", R"("a\"b\\c\nd\u0001\u007f é")", "4", "-1", "true", "1.5", "1E30", "[]",
                           "[1,[\"a\"],{}]", R"({"a b":{"c.d":[1]},"e":false,"\"":1})"}) {
    CAPTURE(text);
    const json::value value = json::parse(text);
    const auto c = config::from_toml("x = " + detail::toml_text(value));
    CHECK(config_access::of(c).tree.at("x") == value);
  }
}
