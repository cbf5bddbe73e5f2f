// JSON Schema draft 7, by valijson. The only room for it.
#pragma once

#include "text/json.hpp"

#include <optional>
#include <string>
#include <vector>

namespace postbus::detail {

// What is wrong with a value, and where: the names and indices that lead to it.
struct violation {
  struct step {
    std::string name;
    bool is_index = false;
  };
  std::vector<step> path;
  std::string what;  // in valijson's words
};

// The innermost thing wrong with `value`; nothing when it satisfies the schema. Throws std::exception when the schema is unusable.
std::optional<violation> find_violation(const json::object& schema, const json::value& value);

}  // namespace postbus::detail
