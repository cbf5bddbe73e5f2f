#include "footprint.hpp"

#include "harness.hpp"

#include <malloc.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>

namespace postbus::bench {

double heap_in_use() noexcept {
  const auto info = mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd);
}

// Not statm, which newer kernels let be wrong by some hundred pages.
double resident() {
  std::ifstream rollup("/proc/self/smaps_rollup");
  for (std::string word; rollup >> word;)
    if (double kib = 0; word == "Rss:" && rollup >> kib) return kib * 1024;
  broken("/proc/self/smaps_rollup has no line Rss");
}

growth grow_in_child(std::string_view load, std::size_t n) {
  const std::string command = "'" + std::filesystem::read_symlink("/proc/self/exe").string() + "' --load " +
                              std::string(load) + " " + std::to_string(n);
  std::FILE* child = ::popen(command.c_str(), "re");
  growth g;
  const bool read = child != nullptr && std::fscanf(child, "%lf %lf %lf", &g.heap, &g.rss, &g.close_ms) == 3;
  if (child == nullptr || ::pclose(child) != 0 || !read) broken("failed: " + command);
  return g;
}

}  // namespace postbus::bench
