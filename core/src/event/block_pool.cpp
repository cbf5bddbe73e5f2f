#include "block_pool.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

namespace postbus::detail {
namespace {

// Sizes with the header; a block above the last comes from malloc and goes back to it.
constexpr std::array<std::uint32_t, 14> class_bytes{64,  96,  128,  192,  256,  320,  384,
                                                    512, 768, 1024, 1280, 2048, 4096, 8192};
constexpr std::uint32_t unpooled = class_bytes.size();
constexpr std::size_t kept_per_class =
    131'072;                              // free blocks a heap keeps; what comes back beyond goes to free()
constexpr std::size_t return_batch = 32;  // blocks sent back to their heap at once

class heap;

struct alignas(16) block {
  heap* owner;
  std::uint32_t size_class;
  std::uint32_t unused;
  block*& next() noexcept {
    return *reinterpret_cast<block**>(this + 1);
  }  // while free, the payload holds the link
};

std::uint32_t class_of(std::size_t bytes) noexcept {
  std::uint32_t c = 0;
  while (c < unpooled && class_bytes[c] < bytes) ++c;
  return c;
}

class heap {
 public:
  block* take(std::uint32_t size_class) {
    list& free = free_[size_class];
    if (free.head == nullptr) reclaim();
    if (free.head == nullptr) {
      auto* fresh = static_cast<block*>(std::malloc(class_bytes[size_class]));
      if (fresh == nullptr) throw std::bad_alloc();
      fresh->owner = this;
      fresh->size_class = size_class;
      return fresh;
    }
    block* b = free.head;
    free.head = b->next();
    --free.count;
    return b;
  }

  // By the thread that has this heap.
  void give(block* b) noexcept {
    if (b->owner == this) return put(b);
    if (outgoing_owner_ != b->owner) flush();
    outgoing_owner_ = b->owner;
    if (outgoing_.head == nullptr) outgoing_last_ = b;
    b->next() = outgoing_.head;
    outgoing_.head = b;
    if (++outgoing_.count == return_batch) flush();
  }

  // Sends home what belongs to another heap.
  void flush() noexcept {
    if (outgoing_.head == nullptr) return;
    std::atomic<block*>& home = outgoing_owner_->returned_;
    block* seen = home.load(std::memory_order_relaxed);
    do outgoing_last_->next() = seen;
    while (!home.compare_exchange_weak(seen, outgoing_.head, std::memory_order_release,
                                       std::memory_order_relaxed));
    outgoing_ = {};
  }

 private:
  struct list {
    block* head = nullptr;
    std::size_t count = 0;
  };

  void put(block* b) noexcept {
    list& free = free_[b->size_class];
    if (free.count == kept_per_class) return std::free(b);
    b->next() = free.head;
    free.head = b;
    ++free.count;
  }
  void reclaim() noexcept {
    for (block* b = returned_.exchange(nullptr, std::memory_order_acquire); b != nullptr;) {
      block* next = b->next();
      put(b);
      b = next;
    }
  }

  std::array<list, unpooled> free_{};
  list outgoing_;
  block* outgoing_last_ = nullptr;
  heap* outgoing_owner_ = nullptr;
  alignas(64) std::atomic<block*> returned_{nullptr};
};

// Heaps outlive their threads, for other threads may still hold their blocks; the next thread takes one over. Never destroyed.
struct heap_registry {
  std::mutex mutex;
  std::vector<heap*> idle;
};
heap_registry& registry() {
  static auto* r = new heap_registry;
  return *r;
}

struct heap_lease {
  heap* mine = nullptr;
  ~heap_lease() {
    if (mine == nullptr) return;
    mine->flush();
    const std::lock_guard lock(registry().mutex);
    registry().idle.push_back(std::exchange(mine, nullptr));
  }
  heap& get() {
    if (mine == nullptr) {
      const std::lock_guard lock(registry().mutex);
      if (registry().idle.empty()) {
        mine = new heap;
      } else {
        mine = registry().idle.back();
        registry().idle.pop_back();
      }
    }
    return *mine;
  }
};
thread_local heap_lease my_heap;

// The sanitizers see more when every block is its own allocation. GCC has a macro for each, clang a question.
#if !defined(__has_feature)
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || __has_feature(address_sanitizer) || \
    __has_feature(thread_sanitizer)
constexpr bool pooled = false;
#else
constexpr bool pooled = true;
#endif

}  // namespace

void* pool_allocate(std::size_t bytes) {
  const std::uint32_t size_class = pooled ? class_of(bytes + sizeof(block)) : unpooled;
  if (size_class != unpooled) return my_heap.get().take(size_class) + 1;
  auto* b = static_cast<block*>(std::malloc(bytes + sizeof(block)));
  if (b == nullptr) throw std::bad_alloc();
  b->owner = nullptr;
  b->size_class = unpooled;
  return b + 1;
}

void pool_free(void* memory) noexcept {
  if (memory == nullptr) return;
  block* b = static_cast<block*>(memory) - 1;
  if (b->size_class == unpooled) return std::free(b);
  my_heap.get().give(b);
}

}  // namespace postbus::detail
