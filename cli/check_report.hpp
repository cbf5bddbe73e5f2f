// check_report: the outcome of `postbus check`: line by line while it goes on, as JSON at the end, and as JUnit's XML.
#pragma once

#include "command_line.hpp"

#include <postbus/conformance/suite.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace postbus::cli {

class check_report {
 public:
  struct entry {
    std::string of;     // "library", or the id of a transport
    std::string name;   // "relro", "7"
    std::string title;  // a sentence
    conformance::result outcome;
  };

  check_report(std::string library, const common_options& common);
  // Prints it, unless everything is to be printed as JSON.
  void add(entry e);
  void add_capabilities(const std::string& transport, std::vector<conformance::capability_verdict> verdicts);
  // Prints the verdicts of the capabilities and the summary.
  void finish() const;
  // Throws failure when the file cannot be written.
  void write_junit(const std::filesystem::path& file) const;

  std::size_t failed() const { return count(conformance::verdict::failed); }

 private:
  struct capability_list {
    std::string transport;
    std::vector<conformance::capability_verdict> verdicts;
  };
  std::size_t count(conformance::verdict v) const;
  void print_as_json() const;

  std::string library_;
  bool json_, quiet_, color_;
  std::vector<entry> entries_;
  std::vector<capability_list> capabilities_;
};

}  // namespace postbus::cli
