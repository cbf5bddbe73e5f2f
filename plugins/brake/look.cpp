#include "brake.hpp"

#include <boost/json.hpp>

namespace postbus::brake_plugin {
namespace {

namespace json = boost::json;

constexpr std::int64_t page = 1'000;

std::string answer_of(const std::string& name, const survey& s) {
  json::array unconfirmed;
  for (const std::string& process : s.unconfirmed()) unconfirmed.emplace_back(process);
  return json::serialize(json::object{{"scope", name},
                                      {"state", name_of(s.record.phase)},
                                      {"epoch", s.record.epoch},
                                      {"actor", s.record.actor},
                                      {"activated_at", s.record.activated_at},
                                      {"parked", s.parked},
                                      {"running", json::parse(s.work_as_json())},
                                      {"unconfirmed", std::move(unconfirmed)}});
}

}  // namespace

void plugin::look(const std::string& name) {
  {
    const lock held(mutex_);
    if (stops_) return;
    const auto [at, is_new] = looks_.try_emplace(name);
    if (!is_new) {
      at->second = true;
      return;
    }
  }
  const scope of = scope::named(name);
  if (of.kind == scope::key) take_survey(name, {work_key(of.value)});
  else find_work(name, {}, {});
}

// A pattern's work, and everybody's, is registered under any key.
void plugin::find_work(const std::string& name, const std::string& cursor, std::vector<std::string> lists) {
  sdk::store_ops ops;
  ops.scan(work_prefix, cursor, page);
  store_.execute(std::move(ops), [this, name, lists = std::move(lists)](const sdk::store_answer& a) mutable {
    if (!a.ok()) return look_failed(name, a.message());
    for (std::size_t n = 1; n < a[0].values.size(); ++n) lists.emplace_back(a[0].value(n));
    const std::string next(a[0].value(0));
    if (!next.empty()) return find_work(name, next, std::move(lists));
    take_survey(name, std::move(lists));
  });
}

// In this order: what is registered is read after who has confirmed, so that nothing came in between.
void plugin::take_survey(const std::string& name, std::vector<std::string> lists) {
  std::sort(lists.begin(), lists.end());
  lists.erase(std::unique(lists.begin(), lists.end()), lists.end());
  sdk::store_ops ops;
  read_ops(ops, name);
  ops.zset_range(processes_key, 0).store_time();
  ops.hash_all(confirm_key(name));
  for (const std::string& list : lists) {
    ops.zset_range(list, 0);
    ops.zset_range(list, 0).front().store_time();
  }
  store_.execute(std::move(ops), [this, name, lists = std::move(lists)](const sdk::store_answer& a) {
    if (a.status() != POSTBUS_OK) return look_failed(name, a.message());
    survey s;
    s.record = record::read(a[0], a[1]);
    for (std::size_t n = 0; n < a[2].values.size(); n += 2) s.live.emplace_back(a[2].value(n));
    for (std::size_t n = 0; n + 1 < a[3].values.size(); n += 2)
      s.add_confirmation(a[3].value(n), a[3].value(n + 1));
    const scope of = scope::named(name);
    for (std::size_t l = 0; l < lists.size(); ++l) {
      const auto registered = a[4 + 2 * l], ended = a[5 + 2 * l];
      for (std::size_t n = 0; n < registered.values.size(); n += 2) {
        const std::string_view member = registered.value(n);
        if (of.kind == scope::pattern && !of.covers({}, registration::parse(member).topic)) continue;
        bool has_lapsed = false;
        for (std::size_t e = 0; e < ended.values.size(); e += 2) has_lapsed |= ended.value(e) == member;
        s.work.push_back({lists[l], std::string(member), has_lapsed});
      }
    }
    std::sort(s.work.begin(), s.work.end(), [](const auto& x, const auto& y) { return x.member < y.member; });
    looked(name, std::move(s));
  });
}

void plugin::looked(const std::string& name, survey s) {
  reconcile(name, s.record);
  confirm_unverified(name, s);
  nanoseconds known_for{0};
  {
    const lock held(mutex_);
    if (const known* k = book_.find(name); k != nullptr && k->epoch == s.record.epoch)
      known_for = nanoseconds(ctx_.now_ns() - k->since_ns);
  }
  change c;
  c.to = due(s, known_for, limits_);
  c.epoch = s.record.epoch;
  c.parked = s.parked;
  const bool lists_work = c.to == phase::partial;
  if (lists_work) c.stuck = s.work_as_json();
  if (c.to == s.record.phase && !(lists_work && c.stuck != s.record.stuck)) {
    answer_waiters(name, s);
    return look_ended(name);
  }
  const record seen = s.record;
  s.record.phase = c.to;
  enter_change(name, seen, c, [this, name, s = std::move(s)](std::int32_t status, std::string_view message) {
    if (status == POSTBUS_OK) answer_waiters(name, s);
    else if (status == POSTBUS_E_CONFLICT) looks_again(name);
    else return look_failed(name, message);
    look_ended(name);
  });
}

void plugin::looks_again(const std::string& name) {
  const lock held(mutex_);
  looks_[name] = true;
}

void plugin::look_ended(const std::string& name) {
  bool again;
  {
    const lock held(mutex_);
    const auto at = looks_.find(name);
    again = at != looks_.end() && at->second;
    if (at != looks_.end()) looks_.erase(at);
  }
  if (again) ctx_.post([this, name] { look(name); });
}

void plugin::answer_waiters(const std::string& name, const survey& s) {
  const bool is_confirmed = s.unconfirmed().empty() && s.record.phase != phase::resuming;
  const bool is_settled = s.record.phase != phase::pausing && s.record.phase != phase::resuming;
  std::vector<waiter> answered;
  {
    const lock held(mutex_);
    const std::int64_t now = ctx_.now_ns();
    for (auto [at, end] = waiters_.equal_range(name); at != end;) {
      const waiter& w = at->second;
      const bool is_done = s.record.epoch >= w.epoch && (is_confirmed || is_settled || now >= w.until_ns);
      if (is_done) answered.push_back(std::move(at->second));
      at = is_done ? waiters_.erase(at) : std::next(at);
    }
  }
  if (answered.empty()) return;
  const std::string text = answer_of(name, s);
  for (waiter& w : answered) w.done.ok(text);
}

// Those whose time is over hear of it; for the others the next look may go better.
void plugin::look_failed(const std::string& name, std::string_view why) {
  std::vector<sdk::completion<std::string_view>> failed;
  {
    const lock held(mutex_);
    for (auto [at, end] = confirms_.equal_range(name); at != end; at = confirms_.erase(at))
      failed.push_back(std::move(at->second));
    for (auto [at, end] = waiters_.equal_range(name); at != end;) {
      const bool is_over = ctx_.now_ns() >= at->second.until_ns;
      if (is_over) failed.push_back(std::move(at->second.done));
      at = is_over ? waiters_.erase(at) : std::next(at);
    }
  }
  for (auto& done : failed)
    done.fail(POSTBUS_E_UNAVAILABLE, "what became of it cannot be seen: " + std::string(why), true);
  look_ended(name);
}

// An operator says that what has lapsed does not run: it is not waited for any more, and what it still says is refused.
void plugin::confirm_unverified(const std::string& name, const survey& s) {
  std::vector<sdk::completion<std::string_view>> asked;
  {
    const lock held(mutex_);
    for (auto [at, end] = confirms_.equal_range(name); at != end; at = confirms_.erase(at))
      asked.push_back(std::move(at->second));
  }
  if (asked.empty()) return;
  sdk::store_ops ops;
  for (const auto& w : s.work)
    if (w.has_lapsed) ops.zset_erase(w.list, w.member).if_at_least().store_time();
  ops.notify(confirm_key(name));
  store_.execute(std::move(ops), [this, name, asked = std::move(asked)](const sdk::store_answer& a) mutable {
    std::int64_t erased = 0;
    for (std::size_t n = 0; n + 1 < a.size(); ++n) erased += a[n] ? a[n].number : 0;
    for (auto& done : asked)
      if (a.status() == POSTBUS_OK) done.ok(R"({"confirmed":)" + std::to_string(erased) + "}");
      else done.fail(a.status(), a.message(), true);
    look(name);
  });
}

}  // namespace postbus::brake_plugin
