// What is written to standard error.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <string>

namespace postbus::tests {

// What a function writes to standard error.
template <class F>
std::string standard_error_of(F&& f) {
  std::FILE* file = std::tmpfile();
  const int before = ::dup(2);
  ::dup2(::fileno(file), 2);
  f();
  std::fflush(stderr);
  ::dup2(before, 2);
  ::close(before);
  std::string text(static_cast<std::size_t>(std::ftell(file)), '\0');
  std::rewind(file);
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  return text;
}

}  // namespace postbus::tests
