// What a config holds, for the core: the settings as one JSON object, and where each of them came from.
#pragma once

#include "text/json.hpp"

#include <postbus/config.hpp>

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace postbus {

namespace detail {

// A feature that is a function of the program.
struct local_feature {
  interceptor run;
  stages where = stages::both;
};

// A setting before it was filled in, "redis://${USER}@host", and what was put in.
struct secret {
  struct part {
    std::string name, text;  // "${USER}" or "@file", and what it stands for
  };
  std::string reference;
  std::vector<part> parts;
};

}  // namespace detail

struct config::contents {
  detail::json::object tree;
  // By path ("plugin.dedup.window", "bus.features[1]"): "fleet.toml:3:1", "text:3:1", "set in code" or "environment variable X".
  std::map<std::string, std::string, std::less<>> origins;
  // What files are relative to that a setting names with '@': that of the configuration's file; empty: the current one.
  std::filesystem::path folder;
  // The settings whose text came from elsewhere, by path. Only in a copy that is filled in (secrets.hpp).
  std::map<std::string, detail::secret, std::less<>> secrets;
  std::vector<const postbus_module*> modules;
  std::map<std::string, detail::local_feature, std::less<>> interceptors;
  log_sink log;
  testing::manual_clock* clock = nullptr;

  // Where a setting stands; for one that is missing, the table that it is missing from. Empty when nobody said anything.
  std::string origin(std::string_view path) const;
};

// The core's way to the contents. The config keeps them.
struct config_access {
  using contents = config::contents;
  static const contents& of(const config& c) noexcept { return *c.contents_; }
  static contents& of(config& c) noexcept { return *c.contents_; }
};

}  // namespace postbus
