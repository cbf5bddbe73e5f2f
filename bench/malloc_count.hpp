// malloc_count: how often the process asks malloc for memory: this program, the C++ library and the loaded plugins.
#pragma once

#include <cstdint>

namespace postbus::bench {

// Calls of malloc, calloc, realloc, aligned_alloc, memalign and posix_memalign so far, from any thread while counting is on.
std::uint64_t malloc_calls() noexcept;
void count_mallocs(bool on) noexcept;

}  // namespace postbus::bench
