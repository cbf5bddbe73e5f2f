// admin_file: the socket's file. Made with the mode 0600 and no other, in the place of one that nobody listens on any more; removed at
// the end if it is still ours.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace postbus::detail {

class admin_file {
 public:
  // Listens. Throws error::bad_config: too long a path, one where somebody listens, or where something else stands, or what the
  // system says.
  explicit admin_file(const std::string& path);
  admin_file(const admin_file&) = delete;
  admin_file& operator=(const admin_file&) = delete;
  ~admin_file();

  // The listening socket, from now on the caller's.
  int release() noexcept;
  // Removes the file, unless another stands in its place. Idempotent.
  void remove() noexcept;

 private:
  int fd_ = -1;
  std::string path_;  // absolute: the program may change its directory
  dev_t device_ = 0;
  ino_t inode_ = 0;  // 0: removed
};

// Whose process is at the other end; nothing where the system does not say.
std::optional<uid_t> peer_of(int fd) noexcept;
// The user that the bus runs as, and root.
constexpr bool admits(uid_t peer, uid_t own) noexcept { return peer == own || peer == 0; }

}  // namespace postbus::detail
