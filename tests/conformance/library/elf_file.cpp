#include "elf_file.hpp"

#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace postbus::conformance {
namespace {

class opened {
 public:
  explicit opened(const std::filesystem::path& file) : fd_(::open(file.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (fd_ < 0) throw std::runtime_error(file.string() + ": " + std::generic_category().message(errno));
    elf_version(EV_CURRENT);
    elf_ = elf_begin(fd_, ELF_C_READ, nullptr);
  }
  ~opened() {
    elf_end(elf_);
    ::close(fd_);
  }
  opened(const opened&) = delete;
  opened& operator=(const opened&) = delete;
  Elf* get() const noexcept { return elf_; }

 private:
  int fd_;
  Elf* elf_ = nullptr;
};

std::string text_at(Elf* elf, std::size_t section, std::size_t offset) {
  const char* text = elf_strptr(elf, section, offset);
  return text != nullptr ? text : "?";
}

void read_segments(Elf* elf, elf_facts& facts) {
  std::size_t count = 0;
  elf_getphdrnum(elf, &count);
  facts.has_executable_stack = true;
  for (std::size_t i = 0; i < count; ++i) {
    GElf_Phdr segment{};
    if (gelf_getphdr(elf, static_cast<int>(i), &segment) == nullptr) continue;
    if (segment.p_type == PT_GNU_RELRO) facts.has_relro = true;
    if (segment.p_type == PT_GNU_STACK) facts.has_executable_stack = (segment.p_flags & PF_X) != 0;
  }
}

void read_dynamic(Elf* elf, const GElf_Shdr& header, Elf_Data* data, elf_facts& facts) {
  for (std::size_t i = 0; i < header.sh_size / header.sh_entsize; ++i) {
    GElf_Dyn entry{};
    if (gelf_getdyn(data, static_cast<int>(i), &entry) == nullptr || entry.d_tag == DT_NULL) break;
    const auto flags = entry.d_un.d_val;
    if (entry.d_tag == DT_NEEDED) facts.needed.push_back(text_at(elf, header.sh_link, flags));
    if (entry.d_tag == DT_TEXTREL) facts.has_text_relocations = true;
    if (entry.d_tag == DT_BIND_NOW) facts.binds_now = true;
    if (entry.d_tag == DT_FLAGS) {
      facts.binds_now = facts.binds_now || (flags & DF_BIND_NOW) != 0;
      facts.has_text_relocations = facts.has_text_relocations || (flags & DF_TEXTREL) != 0;
      facts.has_static_tls = (flags & DF_STATIC_TLS) != 0;
    }
    if (entry.d_tag == DT_FLAGS_1) {
      facts.binds_now = facts.binds_now || (flags & DF_1_NOW) != 0;
      facts.is_nodelete = (flags & DF_1_NODELETE) != 0;
    }
  }
}

void read_symbols(Elf* elf, const GElf_Shdr& header, Elf_Data* data, elf_facts& facts) {
  for (std::size_t i = 0; i < header.sh_size / header.sh_entsize; ++i) {
    GElf_Sym symbol{};
    if (gelf_getsym(data, static_cast<int>(i), &symbol) == nullptr) break;
    if (symbol.st_shndx == SHN_UNDEF || GELF_ST_BIND(symbol.st_info) == STB_LOCAL) continue;
    facts.exports.push_back(text_at(elf, header.sh_link, symbol.st_name));
  }
}

}  // namespace

elf_facts read_elf(const std::filesystem::path& file) {
  const opened elf(file);
  GElf_Ehdr header{};
  if (elf.get() == nullptr || elf_kind(elf.get()) != ELF_K_ELF || gelf_getehdr(elf.get(), &header) == nullptr)
    throw std::runtime_error("expected an ELF file; " + file.string() + " is none");
  elf_facts facts;
  facts.is_64_bit = header.e_ident[EI_CLASS] == ELFCLASS64;
  facts.is_shared = header.e_type == ET_DYN;
  read_segments(elf.get(), facts);
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf.get(), section)) != nullptr;) {
    GElf_Shdr about{};
    if (gelf_getshdr(section, &about) == nullptr || about.sh_entsize == 0) continue;
    Elf_Data* data = elf_getdata(section, nullptr);
    if (data == nullptr) continue;
    if (about.sh_type == SHT_DYNAMIC) read_dynamic(elf.get(), about, data, facts);
    if (about.sh_type == SHT_DYNSYM) read_symbols(elf.get(), about, data, facts);
  }
  return facts;
}

}  // namespace postbus::conformance
