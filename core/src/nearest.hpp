// The name that somebody probably meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace postbus::detail {

// The known name closest to `typed`: letters left out, added, changed or swapped, at most one in three of them; empty when none is
// that close. Cost: the product of the lengths for each known name.
std::string nearest_name(std::string_view typed, const std::vector<std::string>& known);

// "did you mean 'threads'?", or `otherwise` when no known name is close.
std::string did_you_mean(std::string_view typed, const std::vector<std::string>& known,
                         std::string otherwise);

// "a, b, c", in quotes if asked; "nothing" for an empty list.
std::string list_of(const std::vector<std::string>& names, std::string_view quote = "");

}  // namespace postbus::detail
