// What a call that must be refused says.
#pragma once

#include "support/catch.hpp"

#include <postbus/error.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace postbus {

// The error that `call` throws; the test fails when it throws none.
template <class F>
error refusal(F&& call) {
  std::optional<error> refused;
  try {
    call();
  } catch (const error& e) {
    refused = e;
  }
  REQUIRE(refused);
  return *refused;
}

inline bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace postbus
