#include "trust.hpp"

#include <postbus/error.hpp>

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <list>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

// After the system's types, which it takes for granted.
#include <sha2.h>

namespace postbus::detail {
namespace {

namespace fs = std::filesystem;
constexpr int links_max = 40;                          // as the kernel's own limit
constexpr int users_max = 100'000;                     // of a directory service that has no end
constexpr std::size_t record_bytes_max = 1024 * 1024;  // of one user or group

bool is_root_or_us(uid_t user) { return user == 0 || user == ::geteuid(); }

// One record of users or groups, by a function such as getpwnam_r: how large its buffer has to be is for us to find out.
template <class Record, class Read>
bool read_record(Record& record, std::vector<char>& buffer, Read read) {
  for (buffer.resize(1024); buffer.size() <= record_bytes_max; buffer.resize(buffer.size() * 2)) {
    Record* found = nullptr;
    const int status = read(&record, buffer.data(), buffer.size(), &found);
    if (status != ERANGE) return status == 0 && found != nullptr;
  }
  return false;
}

bool is_other(const char* name) {
  passwd user{};
  std::vector<char> buffer;
  const bool known = read_record(user, buffer, [&](auto... to) { return ::getpwnam_r(name, to...); });
  return known && !is_root_or_us(user.pw_uid);  // a name that nobody has can write nothing
}

bool is_own_group_of_another(gid_t group) {
  static std::mutex mutex;  // a process has one place in the list of users
  const std::lock_guard lock(mutex);
  bool others = false;
  int seen = 0;
  passwd user{};
  std::vector<char> buffer;
  ::setpwent();
  while (!others && seen <= users_max &&
         read_record(user, buffer, [](auto... to) { return ::getpwent_r(to...); })) {
    others = user.pw_gid == group && !is_root_or_us(user.pw_uid);
    ++seen;
  }
  ::endpwent();
  return others || seen > users_max;
}

// One step of the way to a file.
struct entry {
  std::string path;
  struct stat what {};
  bool is_last = false;

  bool is_directory() const { return S_ISDIR(what.st_mode); }
  bool is_sticky() const { return is_directory() && (what.st_mode & S_ISVTX) != 0; }
};

[[noreturn]] void refuse(const fs::path& file, const entry& at, const std::string& found,
                         const std::string& wanted, const std::string& remedy) {
  const std::string whose = at.is_last && at.path == file ? ""
                            : at.is_last                  ? ", which is " + at.path
                                                          : ", below " + at.path;
  throw error(error::bad_plugin, file.string() + whose + ", " + found, wanted, remedy);
}

// Who owns it may change everything about it.
void check_owner(const fs::path& file, const entry& at) {
  if (is_root_or_us(at.what.st_uid)) return;
  refuse(file, at, "which belongs to the user " + std::to_string(at.what.st_uid),
         "an owner that is root or this user", "chown " + std::to_string(::geteuid()) + " " + at.path);
}

void check_mode(const fs::path& file, const entry& at) {
  if (at.is_sticky()) return;  // what lies in it is looked at next
  const bool by_all = (at.what.st_mode & S_IWOTH) != 0;
  const bool by_group = (at.what.st_mode & S_IWGRP) != 0;
  if (by_all)
    refuse(file, at, "which everybody may write", "one that only root and this user may write",
           std::string("chmod ") + (by_group ? "go-w " : "o-w ") + at.path);
  if (!by_group) return;
  // Under an access list the group's bits stand for everybody who is named in it.
  const bool has_list = ::getxattr(at.path.c_str(), "system.posix_acl_access", nullptr, 0) > 0;
  if (has_list || has_other_members(at.what.st_gid))
    refuse(file, at,
           has_list
               ? "which others may write by its access list"
               : "which the group " + std::to_string(at.what.st_gid) + " may write, and others are in it",
           "one that only root and this user may write", "chmod g-w " + at.path);
}

entry look_at(const fs::path& file, std::string path, bool is_last) {
  entry at{std::move(path), {}, is_last};
  if (::lstat(at.path.c_str(), &at.what) != 0)
    throw error(error::bad_plugin, file.string() + ": " + std::generic_category().message(errno),
                "a plugin file that can be read", "check the path and its permissions");
  return at;
}

std::list<std::string> parts_of(const fs::path& path) {
  std::list<std::string> parts;
  for (const fs::path& part : path.relative_path())
    if (!part.empty() && part != ".") parts.push_back(part.string());
  return parts;
}

}  // namespace

bool has_other_members(gid_t gid) {
  struct group record {};
  std::vector<char> buffer;
  if (!read_record(record, buffer, [&](auto... to) { return ::getgrgid_r(gid, to...); }))
    return is_own_group_of_another(gid);
  for (char** member = record.gr_mem; *member != nullptr; ++member)
    if (is_other(*member)) return true;
  return is_own_group_of_another(gid);
}

void check_trust(const fs::path& file) {
  std::list<std::string> rest = parts_of(fs::absolute(file));
  std::vector<std::string> way;  // the directories between the root and here
  entry here = look_at(file, "/", rest.empty());
  int links = 0;
  for (;;) {
    check_owner(file, here);
    check_mode(file, here);
    if (rest.empty()) return;
    const std::string name = std::exchange(rest.front(), {});
    rest.pop_front();
    if (name == "..") {
      if (!way.empty()) way.pop_back();
    } else {
      way.push_back(name);
    }
    std::string path;
    for (const std::string& part : way) path += '/' + part;
    entry next = look_at(file, path.empty() ? "/" : path, rest.empty());
    if (!S_ISLNK(next.what.st_mode)) {
      here = std::move(next);
      continue;
    }
    check_owner(file, next);
    if (++links > links_max)
      refuse(file, next, "a link that leads in a circle", "a file", "correct the link");
    std::error_code gone;
    const fs::path target = fs::read_symlink(next.path, gone);
    if (gone) refuse(file, next, "a link that was removed just now", "a file", "try again");
    way.pop_back();
    if (target.is_absolute()) way.clear();
    std::list<std::string> more = parts_of(target);
    rest.splice(rest.begin(), more);
    // Where the way goes on was looked at when it first came by, or begins at the root, which was.
  }
}

void check_pin(const fs::path& file, std::string_view digest, const std::string& whose) {
  std::array<char, SHA256_DIGEST_STRING_LENGTH> found{};
  if (::SHA256File(file.c_str(), found.data()) == nullptr)
    throw error(error::bad_plugin, file.string() + ": " + std::generic_category().message(errno),
                "a plugin file that can be read", "check the path and its permissions");
  const std::string_view mine = found.data();
  const bool same = std::equal(mine.begin(), mine.end(), digest.begin(), digest.end(), [](char a, char b) {
    return a == (b >= 'A' && b <= 'F' ? b - 'A' + 'a' : b);
  });
  if (same) return;
  throw error(error::bad_plugin, file.string() + ", whose SHA-256 is " + std::string(mine),
              std::string(digest) + ", as " + whose + " says",
              "if the file was changed by you, pin its new digest; else restore it");
}

}  // namespace postbus::detail
