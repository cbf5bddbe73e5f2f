// process_state: what a library must leave alone when it is loaded, as texts that can be compared.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace postbus::conformance {

std::string threads_now();                            // how many
std::map<std::string, std::string> open_files_now();  // descriptor, what it leads to
std::map<std::string, std::string> signals_now();     // number, handler, flags and mask; and those blocked
std::string locale_now();
std::string folder_now();
std::map<std::string, std::string> environment_now();

}  // namespace postbus::conformance
