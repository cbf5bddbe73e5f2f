// What the file itself says: read, not loaded.
#include "elf_file.hpp"
#include "tables.hpp"

#include <algorithm>

namespace postbus::conformance {
namespace {

constexpr const char* module_symbol = "postbus_module_v1";
constexpr const char* built_so = "; postbus_add_plugin() links it so";

void trust(const library_under_test& l, findings&) { check_library_trust(l.file); }

void elf_64(const library_under_test& l, findings& f) {
  const elf_facts facts = read_elf(l.file);
  f.expect(facts.is_64_bit, "expected 64-bit ELF; it is 32-bit");
  f.expect(facts.is_shared, "expected a shared library; it is something else");
}

void relro(const library_under_test& l, findings& f) {
  const elf_facts facts = read_elf(l.file);
  f.expect(facts.has_relro,
           std::string("expected a segment PT_GNU_RELRO; there is none: link with -z relro") + built_so);
  f.expect(facts.binds_now,
           std::string("expected BIND_NOW; symbols are bound when they are first called: link "
                       "with -z now") +
               built_so);
}

void text_relocations(const library_under_test& l, findings& f) {
  f.expect(!read_elf(l.file).has_text_relocations,
           "expected no TEXTREL; the code is changed when it is loaded: compile everything with -fPIC");
}

void executable_stack(const library_under_test& l, findings& f) {
  f.expect(!read_elf(l.file).has_executable_stack,
           "expected PT_GNU_STACK without the right to execute; loading it makes the stack of every thread "
           "executable: link with -z noexecstack, and look for assembler without .note.GNU-stack");
}

void nodelete(const library_under_test& l, findings& f) {
  f.expect(read_elf(l.file).is_nodelete,
           std::string("expected NODELETE; the library can be unloaded under its own threads: link with -z "
                       "nodelete") +
               built_so);
}

void one_export(const library_under_test& l, findings& f) {
  const auto exports = read_elf(l.file).exports;
  f.expect(std::find(exports.begin(), exports.end(), module_symbol) != exports.end(),
           std::string("expected the exported symbol ") + module_symbol +
               "; there is none: end the source with POSTBUS_PLUGINS(…)");
  std::string others;
  std::size_t count = 0;
  for (const std::string& name : exports) {
    if (name == module_symbol) continue;
    if (++count <= 3) others += (others.empty() ? "" : ", ") + name;
  }
  f.expect(count == 0, "expected no other exported symbol; there are " + std::to_string(count) + ": " +
                           others + (count > 3 ? " …" : "") +
                           "; use a version script, as postbus_add_plugin() does");
}

void foreign_libraries(const library_under_test& l, findings& f) {
  for (const std::string& name : read_elf(l.file).needed)
    for (const char* unwanted : {"libpostbus", "libboost_", "libspdlog"})
      f.expect(!name.starts_with(unwanted),
               "expected no need of " + std::string(unwanted) + "…; it needs " + name +
                   ": another version of it in the program would be used in its place");
}

void static_tls(const library_under_test& l, findings& f) {
  f.expect(
      !read_elf(l.file).has_static_tls,
      "expected no STATIC_TLS; there is little room for it in a program that runs already: compile without "
      "-ftls-model=initial-exec");
}

constexpr library_check table[] = {
    {"trust", "nobody but root and this user can write it, or replace it", trust, on_failure::stop},
    {"elf", "it is a shared library, 64-bit ELF", elf_64, on_failure::stop},
    {"relro", "relocations are done when it is loaded, and read-only afterwards", relro},
    {"textrel", "no code is changed when it is loaded", text_relocations},
    {"stack", "it needs no executable stack", executable_stack},
    {"nodelete", "it stays loaded", nodelete},
    {"exports", "it exports postbus_module_v1 and nothing else", one_export},
    {"needed", "it needs neither libpostbus nor Boost nor spdlog", foreign_libraries},
    {"tls", "its thread-local variables need no room set aside", static_tls},
};

}  // namespace

std::span<const library_check> elf_checks() { return table; }

}  // namespace postbus::conformance
