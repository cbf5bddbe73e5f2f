// manual_page: how --help is laid out: what it does, arguments, options, examples, exit status, see also.
#pragma once

#include <CLI/CLI.hpp>

namespace postbus::cli {

class manual_page : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override;
};

}  // namespace postbus::cli
