// The manifest of a library file, read without loading it: the ELF note that POSTBUS_MANIFEST of plugin.h puts there. The only room
// for libelf.
#pragma once

#include <filesystem>
#include <string>

namespace postbus::detail {

// The text of the note. Throws error::bad_plugin that tells apart: the file cannot be opened, it is no ELF file, it is no shared
// library, it is one for another machine, it has no such note, the note is damaged.
std::string read_manifest_note(const std::filesystem::path& file);

}  // namespace postbus::detail
