// The environment, where it may be trusted.
#pragma once

#include <string>
#include <vector>

namespace postbus::detail {

// POSTBUS_PLUGIN__SIZE_LIMIT__MAX=1MiB, and the setting it stands for: plugin.size-limit.max.
struct environment_setting {
  std::string variable, path, value;
};

// All variables that are settings, sorted by name: a table comes before what lies in it. None in a program with elevated privileges.
std::vector<environment_setting> environment_settings();

// The same for variables given as "NAME=value".
std::vector<environment_setting> environment_settings(const char* const* variables);

// The program was started with rights that the one who started it does not have; what that one may set is not to be trusted.
bool has_elevated_privileges() noexcept;

}  // namespace postbus::detail
