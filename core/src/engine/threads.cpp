#include "threads.hpp"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <random>
#include <utility>

namespace postbus::detail {
namespace {

long membarrier(int command) noexcept { return ::syscall(SYS_membarrier, command, 0, 0); }

// The registries that live, by serial. A thread that ends asks here whether those it belongs to still do.
struct directory {
  std::mutex mutex;
  std::map<std::uint64_t, thread_registry*> alive;
  std::uint64_t last_serial = 0;
};
directory& all_registries() {
  static auto* d = new directory;  // threads end after static destructors ran
  return *d;
}

std::uint64_t next_serial(thread_registry* registry) {
  const std::lock_guard lock(all_registries().mutex);
  all_registries().alive.emplace(++all_registries().last_serial, registry);
  return all_registries().last_serial;
}

}  // namespace

const bool thread_registry::asymmetric_ = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0;
thread_local constinit thread_registry::cached thread_registry::last_used_{};

struct thread_records_of_this_thread {
  std::vector<std::pair<std::uint64_t, thread_record*>> records;

  ~thread_records_of_this_thread() {
    thread_registry::last_used_ = {};
    const std::lock_guard lock(all_registries().mutex);
    for (const auto& [serial, record] : records)
      if (const auto found = all_registries().alive.find(serial); found != all_registries().alive.end())
        found->second->leave(*record);
  }
  thread_record* find(std::uint64_t serial) const noexcept {
    for (const auto& [s, record] : records)
      if (s == serial) return record;
    return nullptr;
  }
};
static thread_local thread_records_of_this_thread my_records;

thread_registry::thread_registry() : serial_(next_serial(this)) {}

thread_registry::~thread_registry() {
  const std::lock_guard lock(all_registries().mutex);
  all_registries().alive.erase(serial_);
}

void thread_registry::full_fence() noexcept {
#ifdef __SANITIZE_THREAD__  // knows no fences; an operation on a word of this thread's own orders as much
  static thread_local std::atomic<int> word{0};
  word.fetch_add(1);
#else
  std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
}

void thread_registry::heavy_fence() noexcept {
  full_fence();
  if (asymmetric_) membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

thread_record* thread_registry::mine_if_any() noexcept {
  return last_used_.serial == serial_ ? last_used_.record : my_records.find(serial_);
}

thread_record& thread_registry::find_mine() {
  thread_record* record = my_records.find(serial_);
  if (record == nullptr) {
    {
      const std::lock_guard lock(all_registries().mutex);
      std::erase_if(my_records.records,
                    [](const auto& r) { return !all_registries().alive.contains(r.first); });
    }
    my_records.records.reserve(my_records.records.size() + 1);
    const std::lock_guard lock(mutex_);
    const auto idle =
        std::find_if(records_.begin(), records_.end(), [](const auto& r) { return !r->in_use; });
    if (idle != records_.end()) {
      record = idle->get();
      record->in_use = true;
    } else {
      auto fresh = std::make_unique<thread_record>();
      fresh->registry = this;
      std::random_device seed;
      fresh->id_seed = std::uint64_t{seed()} << 32 | seed();
      fresh->attention = records_.empty() ? 0 : records_.front()->attention.load(std::memory_order_relaxed);
      record = records_.emplace_back(std::move(fresh)).get();
    }
    my_records.records.emplace_back(serial_, record);
  }
  last_used_ = {serial_, record};
  return *record;
}

void thread_registry::leave(thread_record& record) {
  const std::lock_guard lock(mutex_);
  record.in_use = false;
}

// Released, and acquired by the threads: what was looked at before the attention ends is not freed before.
void thread_registry::ask_all(int change) {
  for (const auto& record : records_)
    record->attention.fetch_add(static_cast<unsigned>(change), std::memory_order_release);
  heavy_fence();
}

void thread_registry::grace_period(postbus_done done) {
  pending p{done, {}};
  {
    const std::lock_guard lock(mutex_);
    ask_all(+1);
    p.under_way = passages_under_way();
    if (!p.under_way.empty()) {
      pending_.push_back(std::move(p));
      return;  // the attention stays until it is over
    }
    ask_all(-1);
  }
  done.fn(done.ctx, POSTBUS_OK, nullptr, nullptr);
}

std::vector<postbus_done> thread_registry::collect_ended() {
  std::vector<postbus_done> ended;
  for (auto& p : pending_) {
    std::erase_if(p.under_way,
                  [](const auto& u) { return u.first->passage.load(std::memory_order_acquire) != u.second; });
    if (p.under_way.empty()) ended.push_back(p.done);
  }
  std::erase_if(pending_, [](const pending& p) { return p.under_way.empty(); });
  for (const auto& record : records_)
    record->attention.fetch_sub(static_cast<unsigned>(ended.size()), std::memory_order_release);
  return ended;
}

void thread_registry::attend() {
  std::vector<postbus_done> ended;
  {
    const std::lock_guard lock(mutex_);
    ended = collect_ended();
    changed_.notify_all();
  }
  for (const postbus_done& done : ended) done.fn(done.ctx, POSTBUS_OK, nullptr, nullptr);
}

bool thread_registry::wait(std::unique_lock<std::mutex>& lock, const deadline& end,
                           const std::function<bool()>& over) {
  ask_all(+1);
  const bool reached = end.wait(lock, changed_, over);
  ask_all(-1);
  return reached;
}

void thread_registry::look_at_the_time_again() {
  const std::lock_guard lock(mutex_);
  changed_.notify_all();
}

void thread_registry::wait_for_all(const std::function<bool(const thread_record&)>& over) {
  std::unique_lock lock(mutex_);
  wait(lock, deadline(deadline::never), [&] {
    return std::all_of(records_.begin(), records_.end(), [&](const auto& r) { return over(*r); });
  });
}

bool thread_registry::quiet_until(const deadline& end) {
  std::unique_lock lock(mutex_);
  heavy_fence();
  const auto under_way = passages_under_way();
  return wait(lock, end, [&] {
    return std::all_of(under_way.begin(), under_way.end(), [](const auto& u) {
      return u.first->passage.load(std::memory_order_acquire) != u.second;
    });
  });
}

std::vector<std::pair<thread_record*, std::uint64_t>> thread_registry::passages_under_way() const {
  std::vector<std::pair<thread_record*, std::uint64_t>> list;
  for (const auto& record : records_)
    if (const auto seen = record->passage.load(std::memory_order_acquire); seen % 2 == 1)
      list.emplace_back(record.get(), seen);
  return list;
}

void thread_registry::inspect(const std::function<void(thread_record&)>& f) {
  const std::lock_guard lock(mutex_);
  ask_all(+1);
  for (const auto& record : records_) f(*record);
  ask_all(-1);
}

}  // namespace postbus::detail
