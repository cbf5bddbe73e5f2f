// A program's own malloc takes the place of the C library's everywhere in the process; it hands on to the names under which glibc
// offers its own.
#include "malloc_count.hpp"

#include <atomic>
#include <cerrno>
#include <cstddef>

extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
}

namespace postbus::bench {
namespace {
std::atomic<bool> counting{false};
std::atomic<std::uint64_t> calls{0};

void count() noexcept {
  if (counting.load(std::memory_order_relaxed)) calls.fetch_add(1, std::memory_order_relaxed);
}
}  // namespace

std::uint64_t malloc_calls() noexcept { return calls; }
void count_mallocs(bool on) noexcept { counting = on; }

extern "C" {
#pragma GCC visibility push(default)
void* malloc(std::size_t size) { return count(), __libc_malloc(size); }
void* calloc(std::size_t n, std::size_t size) { return count(), __libc_calloc(n, size); }
void* realloc(void* block, std::size_t size) { return count(), __libc_realloc(block, size); }
void* memalign(std::size_t alignment, std::size_t size) { return count(), __libc_memalign(alignment, size); }
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  return count(), __libc_memalign(alignment, size);
}
int posix_memalign(void** block, std::size_t alignment, std::size_t size) {
  count();
  *block = __libc_memalign(alignment, size);
  return *block != nullptr ? 0 : ENOMEM;
}
#pragma GCC visibility pop
}

}  // namespace postbus::bench
