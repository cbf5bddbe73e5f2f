// tables: the checks of each file beside this one. A check is a function, and a line in the table at the end of its file.
#pragma once

#include <postbus/conformance/library.hpp>

#include <array>

namespace postbus::conformance {

std::span<const library_check> elf_checks();
std::span<const library_check> manifest_checks();
std::span<const library_check> load_checks();
std::span<const library_check> life_checks();
std::span<const library_check> transport_checks();
std::span<const library_check> feature_checks();
std::span<const library_check> store_checks();
std::span<const library_check> store_sharing_checks();

// With a store that cannot be created, for what is only looked at around one.
config with_some_store(config c);

inline auto tables_of_checks() {
  return std::array{elf_checks(),       manifest_checks(), load_checks(),  life_checks(),
                    transport_checks(), feature_checks(),  store_checks(), store_sharing_checks()};
}

}  // namespace postbus::conformance
