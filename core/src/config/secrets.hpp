// Secrets: texts that a configuration names instead of containing them, ${VARIABLE} and @file. They are filled in on a copy when a bus
// is made, and are hidden wherever something is said about them.
#pragma once

#include "config_contents.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace postbus::detail {

// A copy whose texts are filled in; its `secrets` tell which. Throws error::bad_config for a variable or a file that is not there: it
// names the setting, where it stands, and what is missing. Under elevated privileges there are no variables.
config_access::contents fill_in_secrets(const config_access::contents& written);

// A value of the setting at `path` as the configuration has it, its references in place of what they stand for.
json::value as_written(const config_access::contents& filled, const std::string& path,
                       const json::value& value);

// The opposite: `value` so written that nothing in it is taken for a reference.
json::value without_references(const json::value& value);

// The texts that were filled in at `path` and beneath it.
std::vector<std::string> secrets_in(const config_access::contents& filled, std::string_view path);

// `text` with "(secret)" wherever it quotes one of them, as it is or escaped as in JSON. One of less than four bytes is only taken for
// a quotation where it stands alone: a "1" occurs in too much.
std::string hide(std::string_view text, const std::vector<std::string>& secrets);

// The same error, quoting none of them.
error without_secrets(const error& e, const config_access::contents& filled);

// What f() returns; what it throws quotes none of them.
template <class F>
auto without_secrets(const config_access::contents& filled, F&& f) -> decltype(f()) {
  try {
    return f();
  } catch (const error& e) {
    if (filled.secrets.empty()) throw;
    throw without_secrets(e, filled);
  }
}

}  // namespace postbus::detail
