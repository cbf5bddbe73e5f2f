// Settings from the environment, and what a program with elevated privileges makes of it.
#include "config/environment.hpp"

#include "config/config_contents.hpp"
#include "config/secrets.hpp"
#include "config/settings.hpp"
#include "plugins/plugin_catalog.hpp"
#include "refusal.hpp"
#include "support/temporary_folder.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <iostream>

using namespace postbus;
using namespace postbus::detail;

namespace {

std::string path_of(const char* variable) {
  const char* const variables[] = {variable, nullptr};
  const auto found = environment_settings(variables);
  return found.empty() ? "" : found.front().path;
}

}  // namespace

TEST_CASE("a variable is a setting: two underscores stand for a dot, names are in lower case",
          "[environment]") {
  CHECK(path_of("POSTBUS_BUS__NAME=fleet") == "bus.name");
  CHECK(path_of("POSTBUS_TRANSPORT__QUEUE_MAX=100") == "transport.queue_max");
  CHECK(path_of("POSTBUS_TRANSPORTS__CONTROL__PLUGIN=memory") == "transports.control.plugin");
}

TEST_CASE("in the id of a plugin, and only there, an underscore stands for a dash", "[environment]") {
  CHECK(path_of("POSTBUS_PLUGIN__SIZE_LIMIT__DATA_MAX=1") == "plugin.size-limit.data_max");
  CHECK(path_of("POSTBUS_LOG__MODULES__SIZE_LIMIT=debug") == "log.modules.size-limit");
  CHECK(path_of("POSTBUS_TRANSPORTS__FAR_AWAY__PLUGIN=memory") == "transports.far_away.plugin");
}

TEST_CASE("variables without two underscores, and those of others, are no settings", "[environment]") {
  for (const char* text : {"POSTBUS_PLUGIN_PATH=/p", "POSTBUS_NAME=x", "HOME=/root", "BUS__NAME=x",
                           "XPOSTBUS_BUS__NAME=x", "POSTBUS_BUS__NAME"}) {
    CAPTURE(text);
    CHECK(path_of(text).empty());
  }
}

TEST_CASE("the environment is laid over what the file says, and set() over both", "[environment]") {
  const variable name("POSTBUS_BUS__NAME", "night"), threads("POSTBUS_BUS__THREADS", "4");
  auto c = config::from_toml("[bus]\nname = \"fleet\"\nthreads = 1\nsample_every = 9\n");
  const settings s = read_settings(config_access::of(c.environment().set("bus.threads", "8")));
  CHECK(s.name == "night");
  CHECK(s.threads == 8);
  CHECK(s.sample_every == 9);
}

TEST_CASE("a table comes before what lies in it, in whatever order the environment has them",
          "[environment]") {
  const variable inner("POSTBUS_PLUGIN__X__LOW", "5"), table("POSTBUS_PLUGIN__X", "{low = 1, high = 2}");
  config c;
  c.environment();
  CHECK(config_access::of(c).tree.at("plugin").at("x") == boost::json::value({{"low", 5}, {"high", 2}}));
}

TEST_CASE("an error about a setting from the environment names the variable", "[environment]") {
  const variable bad("POSTBUS_BUS__THREADS", "many");
  config c;
  const error e = refusal([&] { read_settings(config_access::of(c.environment())); });
  CHECK(e.found() == "bus.threads = \"many\" (environment variable POSTBUS_BUS__THREADS)");
}

TEST_CASE("a variable that names nothing, or runs through what is no table, is refused by its name",
          "[environment]") {
  {
    const variable hole("POSTBUS_BUS__", "1");
    CHECK(refusal([] { config().environment(); }).found() ==
          "the path \"bus.\" (environment variable POSTBUS_BUS__)");
  }
  const variable inner("POSTBUS_BUS__NAME__FIRST", "x");
  const error e = refusal([] { config::from_toml("[bus]\nname = \"a\"").environment(); });
  CHECK(e.found() == "bus.name, which is no table (text:2:1)");
  CHECK(e.wanted() == "a table for the environment variable POSTBUS_BUS__NAME__FIRST");
}

// Run by the test below in a process of another user whose program belongs to root.
TEST_CASE("with elevated privileges", "[.elevated]") {
  if (!has_elevated_privileges()) {
    std::_Exit(77);
  }
  config c;
  c.environment().set("bus.name", "${POSTBUS_TEST_VARIABLE}");
  const bool none = config_access::of(c).origin("bus.threads").find("environment") == std::string::npos;
  const bool no_path = plugin_folders({}).front() != "/from/the/environment";
  const bool no_secret = has(refusal([&] { fill_in_secrets(config_access::of(c)); }).wanted(), "elevated");
  std::_Exit(none && no_path && no_secret ? 0 : 1);
}

TEST_CASE("a program with elevated privileges takes nothing from the environment", "[environment]") {
  if (::geteuid() != 0) {
    std::cout << "SKIPPED: only root can make a program that runs with elevated privileges\n";
    return;
  }
  const temporary_folder folder;
  const auto program = folder.path / "core";
  std::filesystem::permissions(folder.path, std::filesystem::perms(0755));
  std::filesystem::copy_file("/proc/self/exe", program);
  std::filesystem::permissions(program, std::filesystem::perms(04755));
  const variable threads("POSTBUS_BUS__THREADS", "4"), path("POSTBUS_PLUGIN_PATH", "/from/the/environment"),
      secret("POSTBUS_TEST_VARIABLE", "x");
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) std::_Exit(77);
    ::execl(program.c_str(), program.c_str(), "[.elevated]", nullptr);
    std::_Exit(1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
    std::cout << "SKIPPED: programs that belong to root get no privileges in this folder\n";
    return;
  }
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
