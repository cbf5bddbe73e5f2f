// A key expression in the first line, a pattern in the second; and the first line as a duration and as a size.
#include "config/key_expression.hpp"

#include "fuzz.hpp"

#include <postbus/sdk/topic.hpp>
#include <postbus/sdk/units.hpp>

using namespace postbus;
using namespace postbus::fuzz;

namespace {

void demand_units(std::string_view text) {
  if (const auto ns = sdk::parse_duration(text))
    demand(sdk::parse_duration(sdk::duration_text(*ns)) == ns, "a duration reads as it is written");
  if (const auto size = sdk::parse_bytes(text))
    demand(sdk::parse_bytes(sdk::bytes_text(*size)) == size, "a size reads as it is written");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  std::string_view rest = text(bytes, size);
  const std::string_view first = next_line(rest), pattern = next_line(rest);
  demand_units(first);
  try {
    const auto key = detail::parse_key_expression(first, error::bad_config, "a key");
    if (!sdk::check_pattern(pattern)) detail::check_captures(key, pattern, error::bad_config, "a key");
  } catch (const error& refused) {
    demand(!std::string_view(refused.what()).empty(), "a refusal says why");
  }
  return 0;
}
