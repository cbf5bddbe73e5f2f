// A bus of the command's own, on a transport that is shared between processes.
#include "bus_access.hpp"

#include <postbus/bus.hpp>
#include <postbus/json.hpp>

#include <postbus/sdk/topic.hpp>

#include <condition_variable>
#include <latch>
#include <mutex>

namespace postbus::cli {
namespace {

class own_publisher final : public publisher {
 public:
  own_publisher(bus& b, answered answer) : bus_(b), answer_(std::move(answer)) {}
  ~own_publisher() override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return open_ == 0; });
  }

  void submit(std::uint64_t tag, const outgoing& e) override {
    tell([&] { return open_ < window; });
    if (const auto fault = sdk::check_topic(e.topic); fault)
      return answer_({tag, "", problem{"bad_argument", sdk::describe(fault, e.topic), "", ""}});
    std::vector<header> headers;
    for (const auto& [name, value] : e.headers) headers.push_back({name, value});
    publish_options options;
    options.id = e.id;
    options.key = e.key;
    options.content_type = e.content_type;
    options.headers = headers;
    options.ttl = e.ttl;
    if (e.delay)
      return answer_({tag, "",
                      problem{"unsupported", "a delayed event on a bus of the command's own", "a running bus",
                              "the event waits in the process that publishes it, and this one ends"}});
    {
      const std::lock_guard lock(mutex_);
      ++open_;
    }
    bus_.async_publish(e.topic, e.data, options, [this, tag](error_code ec, const receipt& r) {
      published p{tag, ec ? "" : r.id(), {}};
      if (ec) p.fault = problem_of(ec);
      const std::lock_guard lock(mutex_);
      answers_.push_back(std::move(p));
      --open_;
      changed_.notify_all();
    });
  }

  void drain() override {
    tell([&] { return open_ == 0; });
  }

 private:
  // Waits for the condition, then tells the answers that have come.
  template <class Condition>
  void tell(Condition condition) {
    std::vector<published> come;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, condition);
      come.swap(answers_);
    }
    for (const published& p : come) answer_(p);
  }

  bus& bus_;
  answered answer_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t open_ = 0;
  std::vector<published> answers_;
};

class own final : public bus_access {
 public:
  own(const config& c, std::string transports) : bus_(c), transports_(std::move(transports)) {}

  std::string description() const override { return "a bus of its own on " + transports_; }
  std::unique_ptr<publisher> publish(publisher::answered answer) override {
    return std::make_unique<own_publisher>(bus_, std::move(answer));
  }
  boost::json::object request(const outgoing& e, std::chrono::nanoseconds timeout) override {
    std::vector<header> headers;
    for (const auto& [name, value] : e.headers) headers.push_back({name, value});
    publish_options options;
    options.content_type = e.content_type;
    options.headers = headers;
    return to_json(bus_.request(e.topic, e.data, timeout, options));
  }
  ended consume(const consume_request& request, signals& s, const taker& take) override;

 private:
  bus bus_;
  std::string transports_;
};

// One consumption: the handler takes events until there is an end, which whoever comes first declares.
struct consumption {
  const bus_access::taker& take;
  wake_up over{};
  std::latch subscribed{1};
  subscription handle{};
  std::atomic<bool> ending = false;
  std::exception_ptr thrown{};

  void on_event(const delivery& d) {
    subscribed.wait();
    try {
      if (take(to_json(d.event())) == appetite::more) return;
      end();
    } catch (...) {
      thrown = std::current_exception();
      end();
      throw;  // not acknowledged
    }
  }
  // After it no other event is taken.
  void end() {
    if (!ending.exchange(true)) handle.unsubscribe();
    over.set();
  }
};

ended own::consume(const consume_request& request, signals& s, const taker& take) {
  consumption c{take};
  subscribe_options options;
  options.group = request.group;
  options.prefetch = request.prefetch;
  c.handle = bus_.subscribe(
      request.pattern, [&c](const delivery& d) { c.on_event(d); }, options);
  if (request.subscribed) request.subscribed();
  c.subscribed.count_down();
  const woken why = wait_for(c.over.fd(), s, request.limit);
  c.end();
  bus_.close();  // waits for a handler that still runs
  if (c.thrown) std::rethrow_exception(c.thrown);
  return why == woken::readable    ? ended::enough
         : why == woken::signalled ? ended::interrupted
                                   : ended::timed_out;
}

}  // namespace

std::unique_ptr<bus_access> own_bus(const config& c, std::string transports) {
  return std::make_unique<own>(c, std::move(transports));
}

}  // namespace postbus::cli
