// What the libraries of this build let others see: one symbol each. A second one would be found by another plugin sooner or later.
#include "support/catch.hpp"

#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

// The names of the symbols that a library defines for others.
std::vector<std::string> exports_of(const fs::path& file) {
  std::vector<std::string> names;
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(fd >= 0);
  elf_version(EV_CURRENT);
  Elf* elf = elf_begin(fd, ELF_C_READ, nullptr);
  REQUIRE(elf != nullptr);
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf, section)) != nullptr;) {
    GElf_Shdr header{};
    if (gelf_getshdr(section, &header) == nullptr || header.sh_type != SHT_DYNSYM) continue;
    Elf_Data* data = elf_getdata(section, nullptr);
    for (std::size_t i = 0; i < header.sh_size / header.sh_entsize; ++i) {
      GElf_Sym symbol{};
      gelf_getsym(data, static_cast<int>(i), &symbol);
      if (symbol.st_shndx == SHN_UNDEF || GELF_ST_BIND(symbol.st_info) == STB_LOCAL) continue;
      names.emplace_back(elf_strptr(elf, header.sh_link, symbol.st_name));
    }
  }
  elf_end(elf);
  ::close(fd);
  return names;
}

std::vector<fs::path> libraries_in(const char* folder) {
  std::vector<fs::path> found;
  if (!fs::exists(folder)) return found;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".so") found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

TEST_CASE("every plugin library of this build exports its module and nothing else", "[exports]") {
  std::vector<fs::path> all = libraries_in(POSTBUS_TEST_PLUGIN_DIR);
  REQUIRE(std::any_of(all.begin(), all.end(), [](const fs::path& p) { return p.filename() == "memory.so"; }));
  for (const fs::path& mixed : libraries_in(POSTBUS_TEST_MIXED_DIR)) all.push_back(mixed);
  for (const fs::path& library : all) {
    CAPTURE(library.string());
    CHECK(exports_of(library) == std::vector<std::string>{"postbus_module_v1"});
  }
}
