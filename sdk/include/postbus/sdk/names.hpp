// postbus/sdk/names.hpp — names in messages to people: the one that somebody probably meant, and lists of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postbus::sdk {

// The known name closest to `typed`: letters left out, added, changed or swapped, at most one in three of them; empty when none is
// that close. Cost: the product of the lengths for each known name.
std::string nearest_name(std::string_view typed, const std::vector<std::string>& known);

// "did you mean 'threads'?", or `otherwise` when no known name is close.
std::string did_you_mean(std::string_view typed, const std::vector<std::string>& known,
                         std::string otherwise);

// "a, b, c", in quotes if asked; "nothing" for an empty list.
std::string list_of(const std::vector<std::string>& names, std::string_view quote = "");

// ---- the rest is how

namespace detail {

// Edits between the two, a swap of neighbours counting as one (the restricted Damerau-Levenshtein distance).
inline std::size_t edits_between(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last, last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, changed});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last = std::exchange(last, row);
  }
  return last[b.size()];
}

}  // namespace detail

inline std::string nearest_name(std::string_view typed, const std::vector<std::string>& known) {
  std::string nearest;
  std::size_t fewest = std::max<std::size_t>(1, typed.size() / 3) + 1;
  for (const std::string& name : known) {
    const std::size_t edits = detail::edits_between(typed, name);
    if (edits < fewest) {
      fewest = edits;
      nearest = name;
    }
  }
  return nearest;
}

inline std::string did_you_mean(std::string_view typed, const std::vector<std::string>& known,
                                std::string otherwise) {
  const std::string name = nearest_name(typed, known);
  return name.empty() ? std::move(otherwise) : "did you mean '" + name + "'?";
}

inline std::string list_of(const std::vector<std::string>& names, std::string_view quote) {
  if (names.empty()) return "nothing";
  std::string text;
  for (const std::string& name : names) {
    if (!text.empty()) text += ", ";
    text.append(quote).append(name).append(quote);
  }
  return text;
}

}  // namespace postbus::sdk
