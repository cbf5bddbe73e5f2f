// configuration: the one that the options ask for, and what the command needs to know about it.
#pragma once

#include "command_line.hpp"

#include <postbus/config.hpp>

namespace postbus::cli {

// --config, else $POSTBUS_CONFIG, else ./postbus.toml if it is there; empty: none of them.
std::string configuration_file(const common_options& options);

// That file, the environment's settings over it, --set over both. Throws error::bad_config.
config configuration(const common_options& options);

// The path of the admin socket: --admin, else bus.admin; empty: there is none. Throws error::bad_config.
std::string admin_path(const common_options& options);

// The value of one of the host's settings, such as bus.name, as text; its default where the configuration says nothing.
std::string setting(const config& c, std::string_view path);

// "postbus.toml" or "the default configuration", for messages.
std::string name_of_configuration(const common_options& options);

}  // namespace postbus::cli
