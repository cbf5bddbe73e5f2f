#include "schedules.hpp"

#include "engine/engine.hpp"
#include "plugins/store_access.hpp"
#include "schedule_json.hpp"

#include <postbus/sdk/topic.hpp>

namespace postbus::detail {
namespace {

constexpr std::string_view records_key = "{postbus:schedules}";
constexpr auto turn_kept = std::chrono::hours(1);     // long enough for every bus to have come to its timer
constexpr std::int64_t try_again_ns = 1'000'000'000;  // when the store did not answer
constexpr std::int64_t second_ns = 1'000'000'000;

void check(const std::string& name, const schedule& what) {
  const auto refuse = [&](std::string found, std::string wanted) {
    throw error(error::bad_argument, "schedule '" + name + "' with " + found, wanted, "");
  };
  if (name.empty() || name.size() > 200)
    refuse("a name of " + std::to_string(name.size()) + " bytes", "1 to 200");
  if (const auto fault = sdk::check_topic(what.topic))
    throw error(error::bad_argument, sdk::describe(fault, what.topic), "", "");
  if (sdk::is_reserved(what.topic))
    refuse("the topic " + what.topic, "one that does not begin with 'postbus', which is reserved");
  if ((what.every.count() != 0) != what.cron.empty())
    refuse(what.cron.empty() ? "neither every nor cron" : "every and cron", "one of the two");
  if (what.cron.empty() && what.every.count() < 1)
    refuse("every = " + std::to_string(what.every.count()) + " s", "1 s or more");
  if (!what.cron.empty() && cron(what.cron).next(0) == 0)
    refuse("the cron expression '" + what.cron + "'", "one with a day that exists");
}

}  // namespace

// A time that a schedule comes to.
struct schedules::tick {
  std::shared_ptr<engine> owner;
  std::string name;
  std::uint64_t number;
  std::int64_t time_s;
};

void schedules::need_store(const std::string& what) const {
  if (owner_.store != nullptr) return;
  throw error(error::unsupported, what + " on a bus without a store", "a store, where schedules are",
              "set store.plugin = \"memory-store\"");
}

void schedules::start() {
  if (owner_.store == nullptr || !owner_.store_is_named) return;
  const auto* table = owner_.store->interface<postbus_store>("postbus.store/1");
  if (POSTBUS_CAN(table, watch)) {
    const auto changed = [](void* self, postbus_str, postbus_bytes) {
      static_cast<schedules*>(self)->load([](std::string) {});
    };
    waiter watching;
    watching.copy_result = [](waiter& w, const void* number) {
      w.text_ = std::to_string(*static_cast<const std::uint64_t*>(number));
    };
    table->watch(owner_.store->self(), sdk::str(records_key), changed, this, watching.done());
    if (watching.wait(*owner_.rt) && watching.status() == POSTBUS_OK) watch_ = std::stoull(watching.text());
  }
  load([](std::string) {});
}

void schedules::stop() {
  std::vector<runtime::timer_id> timers;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    for (const auto& [name, r] : running_) timers.push_back(r.timer);
  }
  for (const auto timer : timers) owner_.rt->cancel(timer);
  if (watch_ == 0) return;
  waiter gone;
  owner_.store->interface<postbus_store>("postbus.store/1")
      ->unwatch(owner_.store->self(), watch_, gone.done());
  gone.wait(*owner_.rt);
}

void schedules::set(const std::string& name, const schedule& what, done tell) {
  need_store("schedule '" + name + "'");
  check(name, what);
  sdk::store_ops ops;
  ops.hash_set(records_key, name, json::serialize(to_json(what))).in_group(1);
  ops.notify(records_key, name).in_group(1);
  execute_on_store(owner_, std::move(ops), [this, tell = std::move(tell)](const sdk::store_answer& a) {
    if (!a.ok()) return tell(fault_of(a), false);
    load([tell, is_new = a[0].number == 1](std::string fault) { tell(std::move(fault), is_new); });
  });
}

void schedules::remove(const std::string& name, done tell) {
  need_store("schedule '" + name + "'");
  sdk::store_ops ops;
  ops.hash_erase(records_key, name).in_group(1);
  ops.notify(records_key, name).in_group(1);
  execute_on_store(owner_, std::move(ops), [this, tell = std::move(tell)](const sdk::store_answer& a) {
    if (!a.ok()) return tell(fault_of(a), false);
    load([tell, was_there = a[0].number == 1](std::string fault) { tell(std::move(fault), was_there); });
  });
}

std::vector<std::pair<std::string, schedule>> schedules::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<std::string, schedule>> list;
  for (const auto& [name, r] : running_) list.emplace_back(name, r.what);
  return list;
}

void schedules::load(std::function<void(std::string fault)> tell) {
  sdk::store_ops ops;
  ops.hash_all(records_key);
  execute_on_store(owner_, std::move(ops), [this, tell = std::move(tell)](const sdk::store_answer& a) {
    if (!a.ok()) {
      owner_.log->burst(POSTBUS_LOG_ERROR, "bus", "schedules",
                        "the schedules cannot be read: " + fault_of(a));
      return tell(fault_of(a));
    }
    std::map<std::string, std::string> records;
    for (std::size_t i = 0; i + 1 < a[0].values.size(); i += 2)
      records.emplace(a[0].value(i), a[0].value(i + 1));
    adopt(std::move(records));
    tell({});
  });
}

void schedules::adopt(std::map<std::string, std::string> records) {
  std::vector<runtime::timer_id> timers;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    for (auto at = running_.begin(); at != running_.end();) {
      const auto found = records.find(at->first);
      if (found != records.end() && records_[at->first] == found->second) {
        ++at;
        continue;
      }
      timers.push_back(at->second.timer);
      at = running_.erase(at);
    }
    records_ = std::move(records);
    for (const auto& [name, text] : records_) {
      if (running_.contains(name)) continue;
      try {
        running r;
        r.what = schedule_from_json(text);
        check(name, r.what);
        if (!r.what.cron.empty()) r.times.emplace(r.what.cron);
        r.number = ++numbers_;
        r.next_s = next_of(r, owner_.rt->wall_ns() / second_ns);
        arm(name, running_.emplace(name, std::move(r)).first->second);
      } catch (const error& e) {
        owner_.log->burst(POSTBUS_LOG_ERROR, "bus", "schedule " + name,
                          "the record of schedule '" + name + "' is none, and is passed over: " + e.what());
      }
    }
  }
  for (const auto timer : timers) owner_.rt->cancel(timer);
}

std::int64_t schedules::next_of(const running& r, std::int64_t after_s) {
  if (r.times) return r.times->next(after_s);
  return (after_s / r.what.every.count() + 1) * r.what.every.count();
}

void schedules::arm(const std::string& name, running& r) {
  const std::int64_t left = r.next_s * second_ns - owner_.rt->wall_ns();
  r.timer = owner_.rt->timer(std::max<std::int64_t>(0, left),
                             {&due, new tick{owner_.shared_from_this(), name, r.number, r.next_s}});
}

void schedules::due(void* ctx, std::int32_t status, const void*, const postbus_error*) {
  std::unique_ptr<tick> t(static_cast<tick*>(ctx));
  if (status != POSTBUS_OK) return;
  runtime& rt = *t->owner->rt;
  rt.post(
      [](void* posted) {
        const std::unique_ptr<tick> mine(static_cast<tick*>(posted));
        mine->owner->timetable.take_turn(*mine);
      },
      t.release());
}

// The timer of the next time is set first; then the store says who publishes this one.
void schedules::take_turn(const tick& t) {
  schedule what;
  {
    const std::lock_guard lock(mutex_);
    const auto found = running_.find(t.name);
    if (stopped_ || found == running_.end() || found->second.number != t.number) return;
    running& r = found->second;
    what = r.what;
    if (r.next_s == t.time_s) {
      r.next_s = next_of(r, std::max(t.time_s, owner_.rt->wall_ns() / second_ns));
      arm(t.name, r);
    }
  }
  sdk::store_ops ops;
  ops.set(std::string(records_key) + ":" + t.name + "@" + std::to_string(t.time_s), owner_.source)
      .if_absent()
      .ttl(turn_kept);
  execute_on_store(owner_, std::move(ops), [this, t, what = std::move(what)](const sdk::store_answer& a) {
    if (a.ok()) return publish(t.name, what, t.time_s);
    if (a.status() == POSTBUS_OK && a[0].status == POSTBUS_E_CONFLICT) return;  // another bus does
    owner_.log->burst(
        POSTBUS_LOG_ERROR, "bus", "turn " + t.name,
        "schedule '" + t.name + "' waits for the store: " + fault_of(a) + "; it is asked again every second");
    owner_.rt->timer(try_again_ns, {&due, new tick(t)});
  });
}

void schedules::publish(const std::string& name, const schedule& what, std::int64_t time_s) {
  const std::string id = name + "@" + std::to_string(time_s);
  publish_options options;
  options.id = id;
  options.key = what.key;
  options.content_type = what.content_type;
  auto p = owner_.prepare(what.topic, what.data, options);
  p->direct = [this, id](error_code ec, receipt) {
    if (ec)
      owner_.log->burst(POSTBUS_LOG_ERROR, "bus", "scheduled " + id,
                        "scheduled event " + id + " was not published: " + ec.message());
  };
  engine::start(std::move(p));
}

}  // namespace postbus::detail
