// Which files may become part of this process.
#include "plugins/trust.hpp"

#include "linked_module.hpp"
#include "plugins/library_loader.hpp"
#include "plugins/plugin_catalog.hpp"
#include "plugins/plugin_loader.hpp"
#include "refusal.hpp"
#include "support/temporary_folder.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <iostream>

using namespace postbus;
using namespace postbus::detail;
namespace fs = std::filesystem;

namespace {

constexpr uid_t stranger = 65534;
const fs::path sample = fs::path(POSTBUS_TEST_DSO_DIR) / "good" / "sample.so";

// <folder>/inner/sample.so
struct tree : temporary_folder {
  fs::path inner = path / "inner", file = inner / "sample.so";
  tree() {
    ::chmod(path.c_str(), 0755);
    fs::create_directory(inner);
    ::chmod(inner.c_str(), 0755);
    fs::copy_file(sample, file);
    ::chmod(file.c_str(), 0644);
  }
};

error refused(const fs::path& file) {
  return refusal([&] { check_trust(file); });
}
bool is_root() {
  if (::geteuid() == 0) return true;
  std::cout << "SKIPPED: only root can give a file to somebody else\n";
  return false;
}

}  // namespace

TEST_CASE("a file that only its owner may write is trusted, in a sticky directory for all too", "[trust]") {
  const tree t;
  check_trust(t.file);
  ::chmod(t.inner.c_str(), 01777);
  check_trust(t.file);
}

TEST_CASE("a file that everybody may write is refused, with the command that mends it", "[trust]") {
  const tree t;
  ::chmod(t.file.c_str(), 0646);
  const error e = refused(t.file);
  CHECK(e.code() == error::bad_plugin);
  CHECK(e.found() == t.file.string() + ", which everybody may write");
  CHECK(e.wanted() == "one that only root and this user may write");
  CHECK(e.remedy() == "chmod o-w " + t.file.string());
  ::chmod(t.file.c_str(), 0666);
  CHECK(refused(t.file).remedy() == "chmod go-w " + t.file.string());
}

TEST_CASE("a file in a directory that everybody may write is refused, however far above it", "[trust]") {
  const tree t;
  ::chmod(t.path.c_str(), 0757);
  const error e = refused(t.file);
  CHECK(e.found() == t.file.string() + ", below " + t.path.string() + ", which everybody may write");
  CHECK(e.remedy() == "chmod o-w " + t.path.string());
}

TEST_CASE("what belongs to somebody else is refused, in a sticky directory too", "[trust]") {
  if (!is_root()) return;
  const tree t;
  REQUIRE(::chown(t.file.c_str(), stranger, stranger) == 0);
  const error e = refused(t.file);
  CHECK(e.found() == t.file.string() + ", which belongs to the user 65534");
  CHECK(e.remedy() == "chown 0 " + t.file.string());
  ::chmod(t.inner.c_str(), 01777);
  CHECK(refused(t.file).found() == e.found());
  REQUIRE(::chown(t.file.c_str(), 0, 0) == 0);
  REQUIRE(::chown(t.inner.c_str(), stranger, stranger) == 0);
  CHECK(refused(t.file).found() ==
        t.file.string() + ", below " + t.inner.string() + ", which belongs to the user 65534");
}

TEST_CASE("a group that has no other member may write", "[trust]") {
  if (!is_root()) return;
  const tree t;
  ::chmod(t.file.c_str(), 0664);
  ::chmod(t.inner.c_str(), 0775);
  check_trust(t.file);  // root's own group
  const gid_t empty = 54321;
  REQUIRE(::chown(t.inner.c_str(), 0, empty) == 0);
  check_trust(t.file);
  REQUIRE(::chown(t.inner.c_str(), 0, stranger) == 0);  // nobody's own group
  const error e = refused(t.file);
  CHECK(e.found() == t.file.string() + ", below " + t.inner.string() +
                         ", which the group 65534 may write, and others are in it");
  CHECK(e.remedy() == "chmod g-w " + t.inner.string());
}

TEST_CASE("the members of a group are those on its list, and those whose own group it is", "[trust]") {
  CHECK_FALSE(has_other_members(0));
  CHECK_FALSE(has_other_members(54321));
  const passwd* user = ::getpwnam("nobody");
  if (user == nullptr || ::geteuid() == user->pw_uid) {
    std::cout << "SKIPPED: there is no user nobody\n";
    return;
  }
  CHECK(has_other_members(user->pw_gid));
}

TEST_CASE("a link is followed, and what it leads through is looked at as well", "[trust]") {
  const tree t, open;
  fs::create_directory_symlink(t.inner, open.path / "link");
  check_trust(open.path / "link" / "sample.so");
  check_trust(open.path / "link" / ".." / "inner" / "sample.so");
  fs::create_symlink("../inner/./sample.so", open.inner / "relative.so");
  check_trust(open.inner / "relative.so");
  ::chmod(t.path.c_str(), 0777);
  CHECK(refused(open.path / "link" / "sample.so").remedy() == "chmod go-w " + t.path.string());
  // Who may put another link there may choose the file.
  ::chmod(t.path.c_str(), 0755);
  ::chmod(open.path.c_str(), 0777);
  CHECK(refused(open.path / "link" / "sample.so").remedy() == "chmod go-w " + open.path.string());
  fs::create_symlink("circle", open.inner / "circle");
  ::chmod(open.path.c_str(), 0755);
  CHECK(has(refused(open.inner / "circle").found(), "a link that leads in a circle"));
}

TEST_CASE("a link in a sticky directory belongs to root or us, too", "[trust]") {
  if (!is_root()) return;
  const tree t, open;
  const fs::path link = open.inner / "link.so";
  fs::create_symlink(t.file, link);
  ::chmod(open.inner.c_str(), 01777);
  check_trust(link);
  REQUIRE(::lchown(link.c_str(), stranger, stranger) == 0);
  CHECK(refused(link).found() == link.string() + ", which belongs to the user 65534");
}

TEST_CASE("a file that is not there is refused as such", "[trust]") {
  CHECK(refused("/nowhere/x.so").found() == "/nowhere/x.so: No such file or directory");
}

TEST_CASE("an untrusted plugin is refused by its file, and passed over in a folder with the reason",
          "[trust]") {
  const tree t;
  ::chmod(t.file.c_str(), 0666);
  const auto by_file = [&] { prepare(config().transport(t.file.string())); };
  CHECK(refusal(by_file).found() == t.file.string() + ", which everybody may write");
  plugin_catalog catalog({t.inner}, {});
  const error e = refusal([&] { catalog.find({"sample", ""}, plugin_role::feature); });
  CHECK(has(e.remedy(),
            "passed over: unusable plugin: found " + t.file.string() + ", which everybody may write"));
  ::chmod(t.file.c_str(), 0644);
  CHECK(prepare(config().transport(t.file.string())).transports[0].id == "sample-transport");
}

TEST_CASE("trust is asked for again before the library is loaded", "[trust]") {
  const tree t;
  plugin_catalog catalog({t.inner}, {});
  const found_plugin found = catalog.find({"sample", ""}, plugin_role::feature);
  ::chmod(t.inner.c_str(), 0777);
  CHECK(refusal([&] { load_plugin(found); }).remedy() == "chmod go-w " + t.inner.string());
}

TEST_CASE("a plugin that is pinned is the very file, or refused with both digests", "[trust]") {
  const tree t;
  std::ofstream(t.file, std::ios::app) << "more";
  const error e = refusal([&] { check_pin(t.file, std::string(64, '0'), "transport.sha256 (f.toml:3:1)"); });
  CHECK(e.code() == error::bad_plugin);
  const std::string lead = t.file.string() + ", whose SHA-256 is ";
  REQUIRE(e.found().substr(0, lead.size()) == lead);
  std::string digest = e.found().substr(lead.size());
  CHECK(digest.size() == 64);
  CHECK(e.wanted() == std::string(64, '0') + ", as transport.sha256 (f.toml:3:1) says");
  check_pin(t.file, digest, "");
  for (char& c : digest) c = static_cast<char>(std::toupper(c));
  check_pin(t.file, digest, "");
}

TEST_CASE("the digest is SHA-256", "[trust]") {
  const temporary_folder folder;
  check_pin(folder.write("abc", "abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "");
}

TEST_CASE("every table of a plugin may pin it, and no pin is passed over", "[trust]") {
  const std::string wrong(64, 'a');
  const auto base =
      config().plugin_path(sample.parent_path()).transport("sample-transport").feature("sample");
  prepare(base);
  for (const char* table : {"transport", "plugin.sample", "transports.more"}) {
    CAPTURE(table);
    const std::string at = std::string(table) + ".sha256";
    const error e =
        refusal([&] { prepare(config(base).transport("more", "sample-transport").set(at, wrong)); });
    CHECK(e.code() == error::bad_plugin);
    CHECK(has(e.wanted(), at + " (set in code)"));
  }
  const linked_module linked({"wire"}, R"({"id": "wire", "provides": ["postbus.transport/1"]})");
  const error e = refusal(
      [&] { prepare(config().module(linked.module).transport("wire").set("transport.sha256", wrong)); });
  CHECK(e.code() == error::bad_config);
  CHECK(e.found() == "transport.sha256 (set in code) of what is part of the program");
  CHECK(refusal([&] { prepare(config(base).set("transport.sha256", "abc")); }).code() == error::bad_config);
}
