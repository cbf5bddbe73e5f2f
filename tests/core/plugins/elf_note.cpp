#include "plugins/elf_note.hpp"

#include "refusal.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

using namespace postbus;
using namespace postbus::detail;
namespace fs = std::filesystem;

namespace {

fs::path library(std::string_view folder) { return fs::path(POSTBUS_TEST_DSO_DIR) / folder / "sample.so"; }
error refused(const fs::path& file) {
  return refusal([&] { read_manifest_note(file); });
}

std::string bytes_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// A library with some of its bytes changed, gone when the test is over.
struct changed_library {
  fs::path path = fs::temp_directory_path() / ("postbus-" + std::to_string(::getpid()) + ".so");
  explicit changed_library(const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }
  ~changed_library() { fs::remove(path); }
};

constexpr std::size_t type_at = 16, machine_at = 18;  // in the ELF header

}  // namespace

TEST_CASE("the manifest of a library is read without loading it", "[elf_note]") {
  const std::string text = read_manifest_note(library("good"));
  CHECK(text.front() == '{');
  CHECK(text.back() == '}');
  CHECK(has(text, "\"sample-transport\""));
  CHECK(has(text, R"(how long \"it\" lasts: C:\\ or ??/)"));
  CHECK(text.find('\n') == std::string::npos);
}

TEST_CASE("a file that cannot be opened says why", "[elf_note]") {
  const error e = refused("/nowhere/x.so");
  CHECK(e.code() == error::bad_plugin);
  CHECK(e.found() == "/nowhere/x.so: No such file or directory");
  CHECK(e.wanted() == "a file that can be read");
  CHECK(e.remedy() == "check the path and its permissions");
}

TEST_CASE("what is no ELF file, or no file, is refused as that", "[elf_note]") {
  const error e = refused(library("not-elf"));
  CHECK(e.found() == library("not-elf").string() + ", which is not an ELF file");
  CHECK(e.wanted() == "a shared library built with postbus_add_plugin()");
  CHECK(refused("/").found() == "/, which is no regular file");
  const changed_library empty("");
  CHECK(has(refused(empty.path).found(), "which is not an ELF file"));
}

TEST_CASE("a FIFO on the path is refused and does not block", "[elf_note]") {
  const changed_library file("");
  fs::remove(file.path);
  REQUIRE(::mkfifo(file.path.c_str(), 0600) == 0);
  CHECK(has(refused(file.path).found(), "which is no regular file"));
}

TEST_CASE("a library for another machine is refused as that", "[elf_note]") {
  std::string bytes = bytes_of(library("good"));
  bytes[machine_at] = '\xf7', bytes[machine_at + 1] = 0;  // BPF: no plugin is ever built for it
  const changed_library file(bytes);
  const error e = refused(file.path);
  CHECK(has(e.found(), ", built for machine 247, 64-bit"));
  CHECK(has(e.wanted(), ", as this program"));
  CHECK(e.remedy() == "build the plugin for this machine");
}

TEST_CASE("an ELF file that is no library is refused as that", "[elf_note]") {
  std::string bytes = bytes_of(library("good"));
  bytes[type_at] = 1;
  const changed_library file(bytes);
  CHECK(has(refused(file.path).found(), "which is an ELF file but no shared library"));
}

TEST_CASE("a library without a note is told from one whose note is damaged", "[elf_note]") {
  const error none = refused(library("no-note"));
  CHECK(none.found() == library("no-note").string() + ", which has no manifest note");
  CHECK(none.wanted() == "a library built with postbus_add_plugin()");
  const error broken = refused(library("broken-note"));
  CHECK(broken.found() ==
        library("broken-note").string() + ", whose manifest note is damaged: the file breaks off");
  CHECK(broken.remedy() == "build or copy the file again");
  CHECK(refused(library("two-notes")).found() ==
        library("two-notes").string() + ", whose manifest note is damaged: there are two");
  CHECK(refused(library("endless-note")).found() ==
        library("endless-note").string() + ", whose manifest note is damaged: it has no end");
}

TEST_CASE("a library that was cut off anywhere is read whole or refused", "[elf_note]") {
  const std::string bytes = bytes_of(library("good")), whole = read_manifest_note(library("good"));
  std::size_t refused_ones = 0;
  for (std::size_t size = 0; size < bytes.size(); size += size < 2048 ? 61 : 997) {
    const changed_library file(bytes.substr(0, size));
    CAPTURE(size);
    std::string text;
    try {
      text = read_manifest_note(file.path);
    } catch (const error& e) {
      CHECK(e.code() == error::bad_plugin);
      ++refused_ones;
      continue;
    }
    CHECK(text == whole);
  }
  CHECK(refused_ones > 0);
}
