// pages: memory that is a mapping of its own: it can be made read-only, and when it is gone its addresses are never used again, so that who
// writes to it or still looks there ends with a SIGSEGV.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <new>

namespace postbus::testing::detail {

class pages {
 public:
  static constexpr std::size_t rounded(std::size_t size, std::size_t to = 16) {
    return (size + to - 1) / to * to;
  }

  explicit pages(std::size_t size) : size_(rounded(size, static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)))) {
    void* mapped = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) throw std::bad_alloc();
    memory_ = static_cast<char*>(mapped);
  }
  ~pages() {
    ::mmap(memory_, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
  }
  pages(const pages&) = delete;
  pages& operator=(const pages&) = delete;

  // The next `size` bytes, aligned to 16.
  char* take(std::size_t size) {
    if (used_ + rounded(size) > size_) throw std::bad_alloc();
    char* const at = memory_ + used_;
    used_ += rounded(size);
    return at;
  }
  void read_only(bool now) noexcept { ::mprotect(memory_, size_, now ? PROT_READ : PROT_READ | PROT_WRITE); }

 private:
  std::size_t size_, used_ = 0;
  char* memory_ = nullptr;
};

}  // namespace postbus::testing::detail
