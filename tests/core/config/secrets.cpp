// References to secrets: filled in when a bus is made, and never shown.
#include "config/secrets.hpp"

#include "linked_module.hpp"
#include "plugins/plugin_loader.hpp"
#include "refusal.hpp"
#include "support/temporary_folder.hpp"

#include <postbus/bus.hpp>

#include <sys/stat.h>

using namespace postbus;
using namespace postbus::detail;

namespace {

std::string filled(const config& c, std::string_view pointer) {
  return json::serialize(json::value(fill_in_secrets(config_access::of(c)).tree).at_pointer(pointer));
}
std::string url(std::string_view text) {
  return filled(config().set("transport.url", json::serialize(json::string(text))), "/transport/url");
}

// A transport that says of its settings that they are wrong, and what they are.
struct talkative : linked_module {
  talkative()
      : linked_module(
            {"talkative"},
            R"({"id": "talkative", "provides": ["postbus.transport/1"], "config_schema": {"properties": {
          "password": {"type": "string", "minLength": 4, "pattern": "^[a-z0-9]*$"}, "limit": {"type": "integer"},
          "urls": {"type": "array", "items": {"type": "string", "maxLength": 12}}}}})") {
    descriptions[0].create = [](const postbus_host*, postbus_str settings, const postbus_plugin**, void**,
                                postbus_error* why) {
      const std::string text = "cannot log in with " + std::string(settings.ptr, settings.len);
      text.copy(why->message, sizeof why->message - 1);
      why->message[std::min(text.size(), sizeof why->message - 1)] = '\0';
      return static_cast<std::int32_t>(POSTBUS_E_FAIL);
    };
  }
};

config with_password(const talkative& module, std::string_view password) {
  return config().module(module.module).transport("talkative").set("transport.password", password);
}

}  // namespace

TEST_CASE("${VAR} stands for a variable, anywhere in a text and as often as it occurs", "[secrets]") {
  const variable user("POSTBUS_TEST_USER", "bob"), word("POSTBUS_TEST_WORD", "pass$");
  CHECK(url("${POSTBUS_TEST_USER}") == "\"bob\"");
  CHECK(url("redis://${POSTBUS_TEST_USER}:${POSTBUS_TEST_WORD}@host") == "\"redis://bob:pass$@host\"");
  CHECK(url("${POSTBUS_TEST_WORD}${POSTBUS_TEST_USER}") == "\"pass$bob\"");
  config c = config::from_toml("[plugin.x]\nlist = [\"a\", \"${POSTBUS_TEST_USER}\"]");
  CHECK(filled(c, "/plugin/x/list/1") == "\"bob\"");
}

TEST_CASE("what a variable holds is not looked at again", "[secrets]") {
  const variable user("POSTBUS_TEST_USER", "@${HOME}");
  CHECK(url("${POSTBUS_TEST_USER}") == "\"@${HOME}\"");
}

TEST_CASE("$${ and, in front, @@ are a plain ${ and @", "[secrets]") {
  CHECK(url("$${HOME} and $${") == "\"${HOME} and ${\"");
  CHECK(url("@@home") == "\"@home\"");
  CHECK(url("me@home, $5, {x}") == "\"me@home, $5, {x}\"");
}

TEST_CASE("what is to be plain text can be written so", "[secrets]") {
  const json::value plain = {"${HOME}", "@home", "a ${ and $${x}", {{"key", "@@"}}, 4, "home@${"};
  config c;
  config_access::of(c).tree["x"] = without_references(plain);
  CHECK(fill_in_secrets(config_access::of(c)).tree.at("x") == plain);
}

TEST_CASE("@file stands for what the file holds, without one line end at its end", "[secrets]") {
  const temporary_folder folder;
  folder.write("redis", "hunter2\n");
  folder.write("dos", "hunter2\r\n");
  folder.write("lines", "a\nb\n\n");
  const auto read = [&](const char* file) {
    return filled(config::from_file(folder.write("c.toml", std::string("bus.name = \"@") + file + "\"")),
                  "/bus/name");
  };
  CHECK(read("redis") == "\"hunter2\"");
  CHECK(read("dos") == "\"hunter2\"");
  CHECK(read("lines") == "\"a\\nb\\n\"");
  const variable where("POSTBUS_TEST_FOLDER", folder.path.string());
  CHECK(url("@${POSTBUS_TEST_FOLDER}/redis") == "\"hunter2\"");
  CHECK(url("@" + (folder.path / "redis").string()) == "\"hunter2\"");
}

TEST_CASE("a variable that is not set is named, with the setting and its place", "[secrets]") {
  const auto c = config::from_toml("[transport]\nuser = \"${POSTBUS_TEST_NOBODY}\"\n");
  const error e = refusal([&] { prepare(c); });
  CHECK(e.code() == error::bad_config);
  CHECK(
      e.found() ==
      "transport.user = \"${POSTBUS_TEST_NOBODY}\" (text:2:1): no environment variable POSTBUS_TEST_NOBODY");
  CHECK(e.wanted() == "it set");
  CHECK(e.remedy() == "set POSTBUS_TEST_NOBODY, or write $${ for a plain ${");
}

TEST_CASE("a file that cannot be read is named, with the setting and its place", "[secrets]") {
  const temporary_folder folder;
  const auto c = config::from_file(folder.write("c.toml", "[transport]\npassword = \"@secrets/redis\"\n"));
  const error e = refusal([&] { prepare(c); });
  CHECK(e.code() == error::bad_config);
  CHECK(e.found() == "transport.password = \"@secrets/redis\" (" + (folder.path / "c.toml").string() +
                         ":2:1): " + (folder.path / "secrets/redis").string() +
                         ": No such file or directory");
  CHECK(e.remedy() == "check the path and its permissions, or write @@ for a plain @");
  CHECK(has(refusal([&] { url("@" + folder.path.string()); }).found(), ": Is a directory"));
  folder.write("big", std::string(1024 * 1024 + 1, 'x'));
  CHECK(has(refusal([&] { url("@" + (folder.path / "big").string()); }).found(), ": File too large"));
  folder.write("bytes", "\xff\xfe");
  CHECK(refusal([&] { url("@" + (folder.path / "bytes").string()); }).wanted() == "text in UTF-8");
}

TEST_CASE("a reference that is none is refused", "[secrets]") {
  for (const char* text : {"${", "${}", "${a b}", "${1}", "x${HOME", "${A:-b}"}) {
    CAPTURE(text);
    CHECK(refusal([&] { url(text); }).wanted() == "${NAME}");
  }
}

TEST_CASE("the configuration itself keeps the reference", "[secrets]") {
  const variable user("POSTBUS_TEST_USER", "bob");
  const config c = config().set("bus.name", "${POSTBUS_TEST_USER}");
  CHECK(prepare_unloaded(config(c).plugin_path(POSTBUS_TEST_PLUGIN_DIR)).host.name == "bob");
  CHECK(config_access::of(c).tree.at("bus").at("name") == "${POSTBUS_TEST_USER}");
}

TEST_CASE("an error about a secret shows the reference in its place", "[secrets]") {
  const talkative module;
  const variable word("POSTBUS_TEST_WORD", "Hunter2"), number("POSTBUS_TEST_SHORT", "abc"),
      list("POSTBUS_TEST_LONG", "redis://hunter2"), many("POSTBUS_TEST_MANY", std::string(100, 'q') + "!");
  const auto refused = [&](const char* path, const char* reference) {
    return refusal([&] { prepare(config(with_password(module, "good")).set(path, reference)); });
  };
  CHECK(refused("transport.password", "${POSTBUS_TEST_WORD}").found() ==
        "transport.password = \"${POSTBUS_TEST_WORD}\" (set in code)");
  CHECK(refused("transport.password", "${POSTBUS_TEST_SHORT}").found() ==
        "transport.password = \"${POSTBUS_TEST_SHORT}\" (set in code)");
  CHECK(refused("transport.password", "${POSTBUS_TEST_MANY}").found() ==
        "transport.password = \"${POSTBUS_TEST_MANY}\" (set in code)");
  CHECK(refused("transport.limit", "${POSTBUS_TEST_WORD}").found() ==
        "transport.limit = \"${POSTBUS_TEST_WORD}\" (set in code)");
  CHECK(refused("transport.urls", "[\"a\", \"${POSTBUS_TEST_LONG}\"]").found() ==
        "transport.urls[1] = \"${POSTBUS_TEST_LONG}\" (set in code)");
  CHECK(refused("bus.threads", "[\"${POSTBUS_TEST_WORD}\"]").found() ==
        "bus.threads = [\"${POSTBUS_TEST_WORD}\"] (set in code)");
  CHECK(refused("bus", "${POSTBUS_TEST_WORD}").found() == "bus = \"${POSTBUS_TEST_WORD}\" (set in code)");
  CHECK_FALSE(has(refused("transport.plugin", "${POSTBUS_TEST_WORD}").what(), "Hunter2"));
  CHECK_FALSE(has(refused("plugin.x.key", "param:${POSTBUS_TEST_WORD}").what(), "Hunter2"));
}

TEST_CASE("what a plugin says when it refuses its settings does not quote a secret", "[secrets]") {
  const talkative module;
  const variable word("POSTBUS_TEST_WORD", "hunter2");
  const error e = refusal([&] { bus b(with_password(module, "${POSTBUS_TEST_WORD}")); });
  CHECK(e.found() == "plugin 'talkative' (set in code) says: cannot log in with {\"password\":\"(secret)\"}");
  CHECK(has(refusal([&] { bus b(with_password(module, "hunter2")); }).found(), "hunter2"));
}

TEST_CASE("a quotation is found as it is and as JSON writes it, a short one where it stands alone",
          "[secrets]") {
  CHECK(hide("no hunter2!", {"hunter2"}) == "no (secret)!");
  CHECK(hide("no \"a\\\"b\" and a\"b", {"a\"b"}) == "no \"(secret)\" and (secret)");
  CHECK(hide("1 of 12, 1.", {"1"}) == "(secret) of 12, (secret).");
  CHECK(hide("abcdef abc", {"abcd", "abcdef"}) == "(secret) abc");
  CHECK(hide("text", {""}) == "text");
}
