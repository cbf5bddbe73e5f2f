#include "elf_note.hpp"

#include <postbus/error.hpp>

#include <elf.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

namespace postbus::detail {
namespace {

constexpr std::string_view note_owner = "postbus";
constexpr GElf_Word note_type = 1;

[[noreturn]] void refuse(std::string found, std::string wanted, std::string remedy) {
  throw error(error::bad_plugin, std::move(found), std::move(wanted), std::move(remedy));
}

// A file as libelf sees it.
class elf_file {
 public:
  explicit elf_file(const std::filesystem::path& file) : name_(file.string()) {
    // Without O_NONBLOCK, opening a FIFO that lies on the path would wait for a writer.
    fd_ = open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd_ < 0)
      refuse(name_ + ": " + std::generic_category().message(errno), "a file that can be read",
             "check the path and its permissions");
    elf_version(EV_CURRENT);
    elf_ = elf_begin(fd_, ELF_C_READ, nullptr);
  }
  ~elf_file() {
    elf_end(elf_);
    close(fd_);
  }
  elf_file(const elf_file&) = delete;
  elf_file& operator=(const elf_file&) = delete;

  bool is_regular() const {
    struct stat about {};
    return fstat(fd_, &about) == 0 && S_ISREG(about.st_mode);
  }
  std::optional<GElf_Ehdr> header() const {
    GElf_Ehdr header{};
    if (!elf_ || elf_kind(elf_) != ELF_K_ELF || !gelf_getehdr(elf_, &header)) return std::nullopt;
    return header;
  }
  Elf* get() const noexcept { return elf_; }
  const std::string& name() const noexcept { return name_; }

 private:
  std::string name_;
  int fd_ = -1;
  Elf* elf_ = nullptr;
};

std::string machine_name(const GElf_Ehdr& header) {
  constexpr std::pair<unsigned, const char*> known[] = {
      {EM_386, "x86"},      {EM_X86_64, "x86-64"}, {EM_ARM, "ARM"},   {EM_AARCH64, "AArch64"},
      {EM_RISCV, "RISC-V"}, {EM_PPC64, "PowerPC"}, {EM_S390, "S/390"}};
  std::string name = "machine " + std::to_string(header.e_machine);
  for (const auto& [number, text] : known)
    if (header.e_machine == number) name = text;
  const char* bits = header.e_ident[EI_CLASS] == ELFCLASS64 ? ", 64-bit" : ", 32-bit";
  return name + bits + (header.e_ident[EI_DATA] == ELFDATA2MSB ? ", big-endian" : "");
}

// This program's own header: what a library must be like to be loaded into it. Nothing where there is no /proc: dlopen will tell.
const std::optional<GElf_Ehdr>& own_header() {
  static const std::optional<GElf_Ehdr> header = []() -> std::optional<GElf_Ehdr> {
    try {
      return elf_file("/proc/self/exe").header();
    } catch (const error&) {
      return std::nullopt;
    }
  }();
  return header;
}

void check_kind(const elf_file& file) {
  if (!file.is_regular())
    refuse(file.name() + ", which is no regular file", "a shared library", "check the path");
  const auto header = file.header();
  if (!header)
    refuse(file.name() + ", which is not an ELF file", "a shared library built with postbus_add_plugin()",
           "check the path, or build the plugin again");
  const auto& own = own_header();
  if (own && (own->e_machine != header->e_machine || own->e_ident[EI_CLASS] != header->e_ident[EI_CLASS] ||
              own->e_ident[EI_DATA] != header->e_ident[EI_DATA])) {
    refuse(file.name() + ", built for " + machine_name(*header), machine_name(*own) + ", as this program",
           "build the plugin for this machine");
  }
  if (header->e_type != ET_DYN)
    refuse(file.name() + ", which is an ELF file but no shared library", "a shared library",
           "link it as a module");
}

[[noreturn]] void damaged(const elf_file& file, const char* how) {
  refuse(file.name() + ", whose manifest note is damaged: " + how,
         "the note that postbus_add_plugin() writes", "build or copy the file again");
}

// The manifests in one segment of notes. A note that breaks off ends the search, and may have been the one we look for.
struct segment_notes {
  std::optional<std::string> manifest;
  bool broken = false;
};

segment_notes read_segment(const elf_file& file, const GElf_Phdr& segment) {
  segment_notes result;
  Elf_Data* data = elf_getdata_rawchunk(file.get(), static_cast<off_t>(segment.p_offset), segment.p_filesz,
                                        segment.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
  if (!data) return {std::nullopt, true};
  const char* bytes = static_cast<const char*>(data->d_buf);
  std::size_t at = 0, name_at = 0, text_at = 0;
  while (at < data->d_size) {
    GElf_Nhdr note{};
    const std::size_t next = gelf_getnote(data, at, &note, &name_at, &text_at);
    if (next == 0) return {result.manifest, true};
    at = next;
    const std::string_view owner(bytes + name_at, note.n_namesz == 0 ? 0 : note.n_namesz - 1);
    if (owner != note_owner || note.n_type != note_type) continue;
    const std::string_view text(bytes + text_at, note.n_descsz);
    if (text.empty() || text.back() != '\0') damaged(file, "it has no end");
    if (text.find('\0') != text.size() - 1) damaged(file, "it ends before its size");
    if (result.manifest) damaged(file, "there are two");
    result.manifest = std::string(text.substr(0, text.size() - 1));
  }
  return result;
}

}  // namespace

std::string read_manifest_note(const std::filesystem::path& path) {
  const elf_file file(path);
  check_kind(file);
  std::size_t count = 0;
  std::optional<std::string> manifest;
  bool broken = elf_getphdrnum(file.get(), &count) != 0;
  for (std::size_t i = 0; i < count; ++i) {
    GElf_Phdr segment{};
    if (!gelf_getphdr(file.get(), static_cast<int>(i), &segment)) broken = true;
    else if (segment.p_type == PT_NOTE) {
      segment_notes notes = read_segment(file, segment);
      broken = broken || notes.broken;
      if (notes.manifest && manifest) damaged(file, "there are two");
      if (notes.manifest) manifest = std::move(notes.manifest);
    }
  }
  if (manifest) return *std::move(manifest);
  if (broken) damaged(file, "the file breaks off");
  refuse(file.name() + ", which has no manifest note", "a library built with postbus_add_plugin()",
         "build it so, or remove it from the plugin path");
}

}  // namespace postbus::detail
