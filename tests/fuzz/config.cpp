// A TOML text as the configuration of a bus: it is read, or refused with an error of ours.
#include "config/settings.hpp"
#include "fuzz.hpp"
#include "publish/router.hpp"

#include <postbus/error.hpp>

using namespace postbus;

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  try {
    const config c = config::from_toml(fuzz::text(bytes, size));
    const auto settings = detail::read_settings(config_access::of(c));
    fuzz::demand(!settings.transports.empty() && !settings.transports[0].plugin.name.empty(),
                 "there is a transport");
    const detail::router routes(settings.routes);
    for (const auto& route : settings.routes)
      for (const std::string& pattern : route.topics)
        fuzz::demand(!routes.reach(pattern).empty(), "a pattern can be heard");
  } catch (const error& refused) {
    fuzz::demand(!std::string_view(refused.what()).empty(), "a refusal says why");
  }
  return 0;
}
