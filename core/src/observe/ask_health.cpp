// bus.health(): asks the plugins and the loops, all at once, and waits for them until the deadline.
#include "engine/engine.hpp"

#include <algorithm>

namespace postbus::detail {
namespace {

// Whether something that was asked to run did.
struct sign_of_life {
  waiter done;

  static postbus_done of(const std::shared_ptr<sign_of_life>& sign) {
    return {[](void* ctx, std::int32_t status, const void*, const postbus_error*) {
              const std::unique_ptr<std::shared_ptr<sign_of_life>> held(
                  static_cast<std::shared_ptr<sign_of_life>*>(ctx));
              sdk::answer((*held)->done.done(), status);
            },
            new std::shared_ptr<sign_of_life>(sign)};
  }
};

health_board::condition no_answer(std::string reason) {
  return {health_state::unhealthy, std::move(reason),
          "look at its log lines, and at what it is connected to"};
}

}  // namespace

// A handler keeps its worker until it returns: with all of them at work nothing else can run, and that is no fault.
bool engine::every_worker_is_busy() {
  std::size_t running = 0;
  for_each_running([&](const delivery_state& d) {
    running += !d.from->dispatches_inline && !d.subscription->runs_coroutines();
  });
  // How many threads run the application's executor is its own affair.
  return running >= std::max(1u, workers);
}

bool engine::is_alive(std::int64_t deadline_ns) {
  if (rt->is_virtual()) return true;
  const auto timer = std::make_shared<sign_of_life>(), task = std::make_shared<sign_of_life>();
  {
    const passage inside(threads.mine());
    if (state.load() == phase::closed) return false;
    rt->timer(0, sign_of_life::of(timer));
    const postbus_done posted = sign_of_life::of(task);
    rt->post(
        [](void* ctx) {
          const std::unique_ptr<postbus_done> done(static_cast<postbus_done*>(ctx));
          sdk::answer(*done, POSTBUS_OK);
        },
        new postbus_done(posted));
  }
  const bool fired = timer->done.wait(*rt, deadline_ns), ran = task->done.wait(*rt, deadline_ns);
  if (workers > 0) return fired && (ran || every_worker_is_busy());
  return (fired && ran) || every_worker_is_busy();
}

// The subscriptions that have parked all they may, and so take fewer and fewer others.
std::string engine::what_is_parked() const {
  const std::lock_guard lock(mutex);
  std::string said;
  for (const auto& s : subscriptions)
    if (const auto parked = s->parked(); parked.full)
      said.append(said.empty() ? "" : "; ")
          .append("'" + s->pattern + "' has parked " + std::to_string(parked.events) + " events of " +
                  std::to_string(parked.bytes) + " bytes, its park_max");
  return said;
}

void engine::report_bus(bool live, std::int64_t timeout_ns) {
  health_board::condition now;
  switch (state.load()) {
    case phase::running:
      if (!live)
        now = {health_state::unhealthy,
               "no timer fired, or no worker took a task, within " + std::to_string(timeout_ns / 1'000'000) +
                   " ms",
               "look for handlers that never return: bus.in_flight()"};
      else if (const auto full = what_is_parked(); !full.empty())
        now = {health_state::degraded, full, "see why its deliveries fail, or raise park_max"};
      break;
    case phase::draining:
      now = {health_state::unhealthy, "it is closing", ""};
      break;
    case phase::closed:
      now = {health_state::error, "it is closed", "make another one"};
      break;
  }
  components.report("bus", std::move(now), rt->wall_ns());
}

postbus::health engine::health(std::int64_t timeout_ns) {
  const std::int64_t deadline = rt->now_ns() + timeout_ns;
  std::vector<health_asker::question> questions;
  std::vector<plugin_instance*> asked;
  {
    const passage inside(threads.mine());  // the plugins stay until it ends
    if (state.load() != phase::closed)
      for_each_plugin([&](plugin_instance& p) {
        const auto& methods = p.manifest().methods;
        if (std::find(methods.begin(), methods.end(), "health") == methods.end()) return;
        questions.push_back(health_asker_.ask(p, *rt));
        asked.push_back(&p);
      });
  }
  postbus::health result;
  result.live = is_alive(deadline);
  for (std::size_t k = 0; k < questions.size(); ++k) {
    health_asker::question& q = questions[k];
    while (q.call == nullptr && rt->now_ns() < deadline) {
      const passage inside(threads.mine());
      if (state.load() == phase::closed) break;
      q = health_asker_.ask(*asked[k], *rt);
    }
    std::optional<health_board::condition> condition;
    if (q.call == nullptr) {
      condition = no_answer("has not come back from health, asked " +
                            std::to_string((rt->now_ns() - *q.asked_ns) / 1'000'000) + " ms ago");
    } else if (!q.call->done.wait(*rt, deadline)) {
      condition = no_answer("does not answer within " + std::to_string(timeout_ns / 1'000'000) + " ms");
    } else {
      q.latency = std::chrono::nanoseconds(q.call->answered_ns - q.call->asked_ns);
      if (q.call->status != POSTBUS_OK) {
        condition = no_answer("says: " + q.call->message);
      } else {
        health_answer answer = read_health(q.call->text);
        if (answer.is_object) q.facts = q.call->text;
        condition = std::move(answer.condition);
      }
    }
    components.answered(q.component, std::move(condition), rt->wall_ns());
  }
  report_bus(result.live, timeout_ns);
  result.components = components.read();
  for (component_health& c : result.components)
    for (const health_asker::question& q : questions)
      if (q.component == c.name) {
        c.latency = q.latency;
        c.facts = q.facts;
      }
  result.state = worst_of(result.components);
  result.ready =
      state.load() == phase::running &&
      std::all_of(result.components.begin(), result.components.end(),
                  [](const component_health& c) { return !c.required || c.state <= health_state::degraded; });
  return result;
}

}  // namespace postbus::detail
