// An operator and a fleet of agents: long jobs of several users, one of whom is paused, a session that is told something, another one that is
// aborted. Three features of the configuration do it: dedup, brake and steering.
//
//   06_agent_fleet [CONFIG]
#include <postbus/brake.hpp>
#include <postbus/bus.hpp>
#include <postbus/steering.hpp>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <condition_variable>
#include <iostream>
#include <mutex>

namespace {

using namespace std::chrono_literals;
using boost::asio::awaitable;
using boost::asio::use_awaitable;

// What the agents have to say, act by act.
class story {
 public:
  void add(const std::string& line) {
    const std::lock_guard lock(mutex_);
    lines_.push_back(line);
    changed_.notify_all();
  }
  // Waits until the agents said so many lines, and prints them, sorted: who comes first differs from run to run.
  void tell(std::size_t count) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, 30s, [&] { return lines_.size() >= count; }))
      throw std::runtime_error("only " + std::to_string(lines_.size()) + " of " + std::to_string(count) +
                               " things happened");
    std::sort(lines_.begin(), lines_.end());
    for (const std::string& line : lines_) std::cout << "    " << line << '\n';
    lines_.clear();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
};

// An agent does a job in small steps. Between them it looks whether somebody has something to say, and whether it is to stop.
awaitable<void> work(postbus::bus& bus, story& said, postbus::delivery d) {
  const std::string session(d.param("session_id")), job(d.text());
  postbus::steering inbox(bus, session);
  said.add(session + ": begins to " + job + (d.attempt() > 1 ? " again" : ""));
  boost::asio::steady_timer step(bus.get_executor());
  std::string language;
  auto is_finished = [&, steps = 0]() mutable {
    ++steps;
    if (job == "crawl") return false;                  // goes on until somebody stops it
    if (job == "translate") return !language.empty();  // waits for a word
    return steps > 3 &&
           (job != "train" || d.attempt() > 1);  // the first attempt at a training takes very long
  };
  while (!is_finished()) {
    // Looked at before the inbox: when an abort asks it to stop, the abort is there.
    const bool is_to_stop = d.stop_requested();
    for (const auto& m : co_await inbox.async_take_all(use_awaitable)) {
      if (m.is_abort) {
        co_await inbox.async_end(use_awaitable);
        said.add(session + ": " + m.sender + " says '" + m.text + "', so it is over");
        co_return;  // acked: nobody does it again
      }
      said.add(session + ": " + m.sender + " says '" + m.text + "'");
      language = m.text;
    }
    if (is_to_stop) {
      step.expires_after(500ms);  // saving takes a while
      co_await step.async_wait(use_awaitable);
      said.add(session + ": puts its work away");
      throw postbus::retry{0s};
    }
    step.expires_after(2ms);
    co_await step.async_wait(use_awaitable);
  }
  co_await inbox.async_end(use_awaitable);
  said.add(session + ": finished" + (language.empty() ? "" : ", " + language));
}

void print(const char* what, const postbus::brake::report& r) {
  static constexpr const char* states[] = {"running", "pausing", "paused", "partial", "resuming"};
  std::cout << "    " << what << ": " << states[r.state];
  if (r.state == postbus::brake::pausing)
    for (const auto& w : r.working) std::cout << "; still at work: " << w.topic;
  std::cout << '\n';
}

int run(const postbus::config& configuration) {
  postbus::bus bus(configuration);
  postbus::brake brake(bus);
  story said, status;

  postbus::subscribe_options options;
  options.group = "agents";
  options.concurrency = 3;  // agents at work at once
  const auto agents = bus.subscribe(
      "jobs:{user_id}:{session_id}",
      [&](postbus::delivery d) -> awaitable<void> { return work(bus, said, std::move(d)); }, options);
  const auto watch = bus.subscribe("agent:status:{user_id}", [&](const postbus::delivery& d) {
    status.add(std::string(d.param("user_id")) + ": " + std::string(d.json().at("type").as_string()));
  });
  const auto give = [&](const char* topic, const char* job) {
    postbus::publish_options once;
    once.id = topic;
    bus.publish(topic, job, once);
  };

  std::cout << "Three long jobs take all three agents; five more wait, one of them sent twice.\n";
  give("jobs:ann:a1", "train");
  give("jobs:cem:c1", "translate");
  give("jobs:cem:c2", "crawl");
  said.tell(3);
  for (const char* topic : {"jobs:ann:a2", "jobs:bob:b1", "jobs:ann:a3", "jobs:bob:b2", "jobs:bob:b2"})
    give(topic, "sum up");

  std::cout << "The operator pauses ann. Her training is asked to stop; the agent is free for bob.\n";
  print("pause ann", brake.pause(brake.key("ann")));
  said.tell(5);
  status.tell(2);
  print("ann", brake.status(brake.key("ann")));
  postbus::error_code ec;
  bus.publish("jobs:ann:a4", "sum up", {}, ec);
  std::cout << "    a new job of ann: " << ec.message() << '\n';

  std::cout << "The operator tells cem's translator what it wants to know.\n";
  postbus::steering(bus, "c1").push("in French", {.sender = "operator"});
  said.tell(2);

  std::cout << "The crawler would go on for ever.\n";
  postbus::steering(bus, "c2").push("Stop!", {.sender = "operator"});
  said.tell(1);

  std::cout << "The operator resumes ann. What was put away comes back, in its order.\n";
  print("resume ann", brake.resume(brake.key("ann")));
  said.tell(6);
  status.tell(1);

  bus.wait_until_idle();
  const auto c = agents.counts();
  std::cout << "Jobs done: " << c.acked << ". Copies dropped: " << c.dropped << ". Given up: " << c.dead
            << ".\n";
  return bus.close().clean ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(postbus::config::from_file(argc > 1 ? argv[1] : POSTBUS_EXAMPLE_CONFIG));
  } catch (const std::exception& e) {
    std::cerr << "06_agent_fleet: " << e.what() << '\n';
    return 1;
  }
}
