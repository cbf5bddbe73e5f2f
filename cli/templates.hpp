// templates: the projects of sdk/template, as they were when the command was built.
#pragma once

#include <span>
#include <string_view>

namespace postbus::cli {

struct project_template {
  std::string_view project;  // "transport-c++"
  std::string_view file;     // "plugin.cpp"
  std::string_view text;
};

std::span<const project_template> project_templates();

}  // namespace postbus::cli
