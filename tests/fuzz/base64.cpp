// Bytes as a text of base64, and as bytes to write so; and as a time.
#include "event/timestamp.hpp"
#include "fuzz.hpp"

#include <postbus/sdk/base64.hpp>

using namespace postbus::detail;
using namespace postbus::fuzz;

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view given = text(bytes, size);
  std::string written;
  if (const auto read = postbus::sdk::parse_base64(given)) {
    postbus::sdk::append_base64(written, *read);
    demand(written == given, "bytes have one text");
  }
  written.clear();
  postbus::sdk::append_base64(written, given);
  demand(postbus::sdk::parse_base64(written) == given, "what is written can be read");
  if (const auto ns = parse_timestamp(given)) {
    written.clear();
    append_timestamp(written, *ns);
    demand(parse_timestamp(written) == ns, "a time reads as it is written");
  }
  return 0;
}
