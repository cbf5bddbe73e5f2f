// elf_file: what the dynamic linker will make of a library, read from the file.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace postbus::conformance {

struct elf_facts {
  bool is_64_bit = false, is_shared = false;
  bool has_relro = false, binds_now = false, has_text_relocations = false, is_nodelete = false;
  bool has_executable_stack = false;  // also where it does not say: then the kernel takes it to need one
  bool has_static_tls = false;
  std::vector<std::string> exports;  // the symbols that it defines for others
  std::vector<std::string> needed;   // the libraries that it asks for
};

// Throws std::runtime_error: it cannot be read, or is no ELF file.
elf_facts read_elf(const std::filesystem::path& file);

}  // namespace postbus::conformance
