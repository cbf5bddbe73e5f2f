#include "runtime.hpp"

#include "worker_pool.hpp"

#include <postbus/testing/manual_clock.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <time.h>

#include <array>
#include <bit>
#include <random>
#include <set>

namespace postbus::detail {
namespace {

std::int64_t read_clock(clockid_t clock) noexcept {
  timespec t;
  ::clock_gettime(clock, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

void cancel_all(sdk::timer_queue& timers) {
  while (const auto left = timers.pop_due(INT64_MAX))
    left->fn(left->ctx, POSTBUS_E_CANCELLED, nullptr, nullptr);
}

class system_runtime : public runtime {
 public:
  std::int64_t now_ns() noexcept override { return steady_ns(); }
  std::int64_t coarse_now_ns() noexcept override { return coarse_steady_ns(); }
  std::int64_t wall_ns() noexcept override { return coarse_wall_ns(); }
  std::int64_t precise_wall_ns() noexcept override { return read_clock(CLOCK_REALTIME); }
  std::uint64_t random() noexcept override { return thread_random(); }
};

class thread_runtime final : public system_runtime {
 public:
  thread_runtime(unsigned threads, bool spin) : threads_(threads), pool_(threads, spin) {}

  using runtime::post;
  void post(task& t) override { pool_.post(t); }
  timer_id timer(std::int64_t delay_ns, postbus_done done) override {
    return timers_.add(steady_ns() + delay_ns, done);
  }
  void cancel(timer_id timer) override { timers_.cancel(timer); }
  boost::asio::any_io_executor executor() override {
    std::call_once(coroutines_started_, [this] {
      coroutines_ = std::make_unique<coroutine_threads>();
      for (unsigned i = 0; i < threads_; ++i)
        coroutines_->threads.emplace_back([c = coroutines_.get()] { c->context.run(); });
    });
    return coroutines_->context.get_executor();
  }
  void stop() override {
    timers_.stop();
    if (coroutines_ != nullptr) coroutines_->join();
    pool_.stop();
  }

 private:
  // Coroutine handlers may wait on Asio's sockets and timers, which want an io_context; made when the first one subscribes.
  struct coroutine_threads {
    boost::asio::io_context context;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{context.get_executor()};
    std::vector<std::thread> threads;

    void join() {
      work.reset();
      context.stop();
      for (std::thread& t : threads)
        if (t.joinable()) t.join();
    }
  };

  unsigned threads_;
  timer_thread timers_;
  std::once_flag coroutines_started_;
  std::unique_ptr<coroutine_threads> coroutines_;
  worker_pool pool_;
};

class executor_runtime final : public system_runtime {
 public:
  explicit executor_runtime(boost::asio::any_io_executor executor)
      : shared_(std::make_shared<shared>(std::move(executor))) {}

  using runtime::post;
  void post(task& t) override {
    boost::asio::post(shared_->executor, [&t] { t.run(&t); });
  }
  timer_id timer(std::int64_t delay_ns, postbus_done done) override {
    const std::lock_guard lock(shared_->mutex);
    const timer_id id = shared_->timers.add(steady_ns() + delay_ns, done);
    arm(shared_);
    return id;
  }
  void cancel(timer_id timer) override {
    std::unique_lock lock(shared_->mutex);
    const auto done = shared_->timers.cancel(timer);
    lock.unlock();
    if (done) done->fn(done->ctx, POSTBUS_E_CANCELLED, nullptr, nullptr);
  }
  boost::asio::any_io_executor executor() override { return shared_->executor; }
  void stop() override {
    std::unique_lock lock(shared_->mutex);
    sdk::timer_queue left = std::exchange(shared_->timers, {});
    shared_->alarm.cancel();
    lock.unlock();
    cancel_all(left);
  }

 private:
  // The application's executor may run the alarm's last handler after the bus is gone.
  struct shared {
    explicit shared(boost::asio::any_io_executor e) : executor(std::move(e)), alarm(executor) {}
    boost::asio::any_io_executor executor;
    std::mutex mutex;
    sdk::timer_queue timers;
    boost::asio::steady_timer alarm;
    std::int64_t armed = INT64_MAX;
  };

  static void arm(const std::shared_ptr<shared>& s) {
    if (s->timers.next() >= s->armed) return;
    s->armed = s->timers.next();
    s->alarm.expires_at(std::chrono::steady_clock::time_point(std::chrono::nanoseconds(s->armed)));
    s->alarm.async_wait([s](const boost::system::error_code& ec) {
      if (ec) return;
      std::unique_lock lock(s->mutex);
      s->armed = INT64_MAX;
      while (const auto due = s->timers.pop_due(steady_ns())) {
        lock.unlock();
        due->fn(due->ctx, POSTBUS_OK, nullptr, nullptr);
        lock.lock();
      }
      arm(s);
    });
  }

  std::shared_ptr<shared> shared_;
};

class manual_runtime final : public runtime {
 public:
  explicit manual_runtime(testing::manual_clock& clock) : clock_(clock) {
    clock_.add_source(
        this,
        [this] {
          context_.restart();
          return context_.poll();
        },
        [this] {
          context_.restart();
          return context_.poll_one();
        });
  }
  ~manual_runtime() override { clock_.remove_source(this); }

  std::int64_t now_ns() noexcept override { return clock_.now_ns(); }
  std::int64_t coarse_now_ns() noexcept override { return clock_.now_ns(); }
  std::int64_t wall_ns() noexcept override { return clock_.wall_ns(); }
  std::int64_t precise_wall_ns() noexcept override { return clock_.wall_ns(); }
  std::uint64_t random() noexcept override { return clock_.random(); }
  using runtime::post;
  void post(task& t) override {
    clock_.post([](void* ctx) { static_cast<task*>(ctx)->run(static_cast<task*>(ctx)); }, &t);
  }
  timer_id timer(std::int64_t delay_ns, postbus_done done) override {
    auto* mine = new pending{this, done, 0};
    mine->id = clock_.timer(delay_ns, {&fire, mine});
    pending_.insert(mine);
    return mine->id;
  }
  void cancel(timer_id timer) override { clock_.cancel(timer); }
  boost::asio::any_io_executor executor() override { return context_.get_executor(); }
  bool is_virtual() const noexcept override { return true; }
  void run_queued() override { clock_.run_until_idle(); }
  void stop() override {
    clock_.run_until_idle();
    while (!pending_.empty()) clock_.cancel((*pending_.begin())->id);
  }

 private:
  // The clock is shared with other buses: this one's timers are remembered, to be cancelled when it stops.
  struct pending {
    manual_runtime* owner;
    postbus_done done;
    timer_id id;
  };
  static void fire(void* ctx, std::int32_t status, const void*, const postbus_error*) {
    const std::unique_ptr<pending> mine(static_cast<pending*>(ctx));
    mine->owner->pending_.erase(mine.get());
    mine->done.fn(mine->done.ctx, status, nullptr, nullptr);
  }

  testing::manual_clock& clock_;
  boost::asio::io_context context_;
  struct by_id {  // not by address: a run is the same each time
    bool operator()(const pending* a, const pending* b) const noexcept { return a->id < b->id; }
  };
  std::set<pending*, by_id> pending_;
};

}  // namespace

std::int64_t steady_ns() noexcept { return read_clock(CLOCK_MONOTONIC); }
std::int64_t coarse_steady_ns() noexcept { return read_clock(CLOCK_MONOTONIC_COARSE); }
std::int64_t coarse_wall_ns() noexcept { return read_clock(CLOCK_REALTIME_COARSE); }

std::uint64_t thread_random() noexcept {
  static thread_local std::array<std::uint64_t, 2> state = [] {
    std::random_device seed;
    return std::array{(std::uint64_t{seed()} << 32 | seed()) | 1, std::uint64_t{seed()} << 32 | seed()};
  }();
  const std::uint64_t a = state[0], b = state[1] ^ a, sum = a + state[1];
  state = {std::rotl(a, 24) ^ b ^ (b << 16), std::rotl(b, 37)};
  return sum;
}

void runtime::post(void (*fn)(void* ctx), void* ctx) {
  struct boxed : task {
    void (*fn)(void*);
    void* ctx;
  };
  auto* box = new boxed;
  box->fn = fn;
  box->ctx = ctx;
  box->run = [](task* t) {
    const std::unique_ptr<boxed> mine(static_cast<boxed*>(t));
    mine->fn(mine->ctx);
  };
  post(*box);
}

std::unique_ptr<runtime> make_thread_runtime(unsigned threads, bool spin) {
  return std::make_unique<thread_runtime>(threads, spin);
}
std::unique_ptr<runtime> make_executor_runtime(boost::asio::any_io_executor executor) {
  return std::make_unique<executor_runtime>(std::move(executor));
}
std::unique_ptr<runtime> make_manual_runtime(testing::manual_clock& clock) {
  return std::make_unique<manual_runtime>(clock);
}

}  // namespace postbus::detail
