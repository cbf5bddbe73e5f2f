// harness: rounds, medians, rows.
//
// A benchmark is a function that returns rows. Its contestants take turns, one short round each, so that what else the machine
// does meets them alike; a row is judged on medians.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace postbus::bench {

struct settings {
  bool quick = false;
  int rounds() const noexcept { return quick ? 3 : 15; }
  std::size_t scaled(std::size_t n) const noexcept { return quick ? n / 20 + 1 : n; }
};

enum class wanted : std::uint8_t {
  ratio_at_most,   // ours ÷ peer, of what should be small
  ratio_at_least,  // ours ÷ peer, of what should be large
  value_at_most,   // ours alone
  nothing,         // told, and not judged: no target was set
};

struct row {
  std::string id, what, unit;
  double value = 0;
  std::string peer_name{};
  std::optional<double> peer{};
  wanted judged_by = wanted::ratio_at_most;
  double target = 0;

  std::optional<double> ratio() const;
  bool holds() const;
  // How far from the target: 0.2 = a fifth too slow or too much.
  double misses_by() const;
};

std::string to_json(const row& r);
// Rows as a table, with its heading.
std::string to_table(std::span<const row> rows);

double median(std::vector<double> values);

// Runs the contestants in turn: once to warm up, then `rounds` times. The median of what each returned, in their order.
std::vector<double> take_turns(int rounds, std::initializer_list<std::function<double()>> contestants);

// What the calling thread itself ran, so that being preempted does not count.
std::int64_t thread_ns() noexcept;
// What all threads of the process ran.
std::int64_t process_ns() noexcept;
std::int64_t now_ns() noexcept;

// ns of this thread's time for each of n calls.
template <class F>
double ns_each(std::size_t n, F&& f) {
  const std::int64_t begin = thread_ns();
  for (std::size_t i = 0; i < n; ++i) f();
  return static_cast<double>(thread_ns() - begin) / static_cast<double>(n);
}

// glibc and libstdc++ skip atomics while a process has one thread; a bus never has one.
class idle_thread {
 public:
  idle_thread() = default;
  idle_thread(const idle_thread&) = delete;
  idle_thread& operator=(const idle_thread&) = delete;
  ~idle_thread() {
    over_ = true;
    over_.notify_all();
    thread_.join();
  }

 private:
  std::atomic<bool> over_{false};
  std::thread thread_{[this] { over_.wait(false); }};
};

// What the benchmark exists to show did not happen: an event lost, for instance. Ends the run with its text.
[[noreturn]] void broken(std::string_view what);

// ---- the benchmarks
std::vector<row> p1_inline(const settings&);
std::vector<row> p2_fanout(const settings&);
std::vector<row> p2t_two_threads(const settings&);
std::vector<row> p3_queued(const settings&);
std::vector<row> p4_latency(const settings&);
std::vector<row> p5_index(const settings&);
std::vector<row> p6_features(const settings&);
std::vector<row> p12_codec(const settings&);
std::vector<row> p13_memory(const settings&);
std::vector<row> p14_growth(const settings&);
std::vector<row> m1_sampling(const settings&);
std::vector<row> b_backlog(const settings&);
std::vector<row> b_brake(const settings&);
std::vector<row> c_costs(const settings&);

}  // namespace postbus::bench
