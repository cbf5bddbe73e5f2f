// A TOML text as the configuration of a bus: it is read, or refused with an error of ours.
#include "fuzz.hpp"
#include "settings.hpp"

#include <postbus/error.hpp>

using namespace postbus;

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  try {
    const config c = config::from_toml(fuzz::text(bytes, size));
    const auto settings = detail::read_settings(config_access::of(c));
    fuzz::demand(!settings.transport.plugin.name.empty(), "there is a transport");
  } catch (const error& refused) {
    fuzz::demand(!std::string_view(refused.what()).empty(), "a refusal says why");
  }
  return 0;
}
