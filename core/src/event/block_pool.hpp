// block_pool: memory for events and deliveries, which are made on one thread and let go of on another. Blocks come from a
// per-thread heap and go back to it in batches, so that a steady flow neither calls malloc nor takes a lock.
#pragma once

#include <cstddef>

namespace postbus::detail {

// Throws bad_alloc. Aligned for any type up to 16 bytes.
void* pool_allocate(std::size_t bytes);
// Any thread; nullptr is nothing.
void pool_free(void* block) noexcept;

}  // namespace postbus::detail
