// P3: one producer → one consumer on another thread. Ours queued and acked; every event is looked for.
#include "harness.hpp"
#include "malloc_count.hpp"

#include <postbus/bus.hpp>

#include <zmq.hpp>

#include <algorithm>
#include <cstring>

namespace postbus::bench {
namespace {

constexpr std::size_t batch_size = 32;

// Looks for the numbers 0, 1, 2 … in the order of arrival, and says when the last one came.
class checker {
 public:
  void expect(std::uint64_t n) {
    next_ = 0;
    end_ = n;
    finished_ = false;
  }
  void take(const void* data) {
    std::uint64_t number = 0;
    std::memcpy(&number, data, sizeof number);
    if (number != next_) broken("P3: an event was lost, doubled or out of order");
    if (++next_ != end_) return;
    finished_at_ns_ = now_ns();
    finished_ = true;
    finished_.notify_one();
  }
  std::int64_t wait() const {
    finished_.wait(false);
    return finished_at_ns_;
  }

 private:
  std::uint64_t next_ = 0, end_ = 0;
  std::int64_t finished_at_ns_ = 0;
  std::atomic<bool> finished_{false};
};

double per_second(std::size_t n, std::int64_t ns) {
  return 1e3 * static_cast<double>(n) / static_cast<double>(ns);
}  // millions

class queued_bus {
 public:
  explicit queued_bus(std::size_t size) : buffers_(batch_size, std::vector<char>(size)) {
    for (auto& buffer : buffers_) batch_.push_back({"agent:status:42", buffer});
  }
  double single(std::size_t n) {
    return round(n, [&] {
      for (std::uint64_t i = 0; i < n; ++i) {
        std::memcpy(buffers_[0].data(), &i, sizeof i);
        bus_.publish("agent:status:42", buffers_[0]);
      }
    });
  }
  double batches(std::size_t n) {
    return round(n, [&] {
      for (std::uint64_t i = 0; i < n;) {
        for (auto& buffer : buffers_) std::memcpy(buffer.data(), &i, sizeof i), ++i;
        bus_.publish(batch_, results_);
        for (const publish_result& r : results_)
          if (r.ec) broken("P3: a publish was refused: " + r.ec.message());
      }
    });
  }
  std::uint64_t mallocs() const noexcept { return mallocs_; }
  std::uint64_t counted() const noexcept { return counted_; }

 private:
  template <class Send>
  double round(std::size_t n, Send send) {
    checker_.expect(n);
    const std::uint64_t acked = subscription_.counts().acked, before = malloc_calls();
    const bool steady = rounds_++ >= 4;
    count_mallocs(steady);
    const std::int64_t begin = now_ns();
    send();
    const std::int64_t took = checker_.wait() - begin;
    count_mallocs(false);
    mallocs_ += malloc_calls() - before;
    if (steady) counted_ += n;
    if (!bus_.wait_until_idle() || subscription_.counts().acked - acked != n)
      broken("P3: an event was not acked");
    return per_second(n, took);
  }

  checker checker_;
  std::vector<std::vector<char>> buffers_;
  std::vector<message> batch_;
  std::vector<publish_result> results_{batch_size};
  unsigned rounds_ = 0;
  std::uint64_t mallocs_ = 0, counted_ = 0;
  bus bus_{config().threads(1)};
  subscription subscription_ =
      bus_.subscribe("agent:status:42", [this](const delivery& d) { checker_.take(d.data().data()); });
};

class zmq_pipe {
 public:
  explicit zmq_pipe(std::size_t size) : buffer_(size) {
    push_.set(zmq::sockopt::sndhwm, 65'536);
    pull_.set(zmq::sockopt::rcvhwm, 65'536);
    pull_.bind("inproc://p3");
    push_.connect("inproc://p3");
    consumer_ = std::thread([this] {
      zmq::message_t m;
      while (pull_.recv(m) && m.size() > 0) checker_.take(m.data());
    });
  }
  zmq_pipe(const zmq_pipe&) = delete;
  zmq_pipe& operator=(const zmq_pipe&) = delete;
  ~zmq_pipe() {
    push_.send(zmq::message_t(), zmq::send_flags::none);
    consumer_.join();
  }
  double single(std::size_t n) {
    checker_.expect(n);
    const std::int64_t begin = now_ns();
    for (std::uint64_t i = 0; i < n; ++i) {
      std::memcpy(buffer_.data(), &i, sizeof i);
      push_.send(zmq::buffer(buffer_), zmq::send_flags::none);
    }
    return per_second(n, checker_.wait() - begin);
  }

 private:
  checker checker_;
  std::vector<char> buffer_;
  zmq::context_t context_;
  zmq::socket_t push_{context_, zmq::socket_type::push}, pull_{context_, zmq::socket_type::pull};
  std::thread consumer_;
};

struct measured {
  std::vector<row> rows;
  double mallocs_per_million = 0;
};

measured queued(const settings& how, std::size_t size) {
  queued_bus ours(size);
  zmq_pipe peer(size);
  const std::size_t n = how.scaled(480'000) / batch_size * batch_size;
  const auto rate = take_turns(how.rounds(), {[&] { return ours.single(n); }, [&] { return peer.single(n); },
                                              [&] { return ours.batches(n); }});
  const std::string id = "P3." + std::to_string(size),
                    what = "queued 1 -> 1, " + std::to_string(size) + " B, acked";
  measured m;
  m.rows = {{id, what, "M/s", rate[0], "ZeroMQ inproc", rate[1], wanted::ratio_at_least, 2},
            {id + "x32", what + ", batches of 32", "M/s", rate[2], "ZeroMQ inproc", rate[1],
             wanted::ratio_at_least, 3}};
  if (ours.counted() > 0)
    m.mallocs_per_million = 1e6 * static_cast<double>(ours.mallocs()) / static_cast<double>(ours.counted());
  return m;
}

}  // namespace

std::vector<row> p3_queued(const settings& how) {
  const measured small = queued(how, 64), large = queued(how, 1024);
  return {small.rows[0],
          large.rows[0],
          small.rows[1],
          large.rows[1],
          {"P3.malloc",
           "calls of malloc in a million events, steady state, worst of these",
           "",
           std::max(small.mallocs_per_million, large.mallocs_per_million),
           "",
           {},
           wanted::value_at_most,
           0}};
}

}  // namespace postbus::bench
