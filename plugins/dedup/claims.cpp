#include "claims.hpp"

#include <algorithm>
#include <utility>

namespace postbus::dedup_plugin {
namespace {

using state = claim::state;
using said = reply::kind;

constexpr std::size_t spare_max = 1024;

bool is_mine(const claim& c, std::int64_t token) noexcept { return (token & ~std::int64_t{1}) == c.token; }

}  // namespace

claims::~claims() {
  while (first_ != nullptr) delete std::exchange(first_, first_->after);
}

claim& claims::make() {
  std::unique_ptr<claim> c;
  if (spare_.empty()) {
    c = std::make_unique<claim>();
  } else {
    c = std::move(spare_.back());
    spare_.pop_back();
    std::string key = std::move(c->key);  // for its memory
    key.clear();
    *c = {};
    c->key = std::move(key);
  }
  c->after = first_;
  if (first_ != nullptr) first_->before = c.get();
  ++alive_;
  return *(first_ = c.release());
}

void claims::arrive(claim& c, std::int64_t now_ns) {
  if (!done.holds(c.key, now_ns)) return send(c, step::take, c.token);
  ++counts.known_here;
  ++counts.duplicates;
  c.now = state::over;
  decide(c, sdk::verdict::drop);
}

void claims::settled(claim& c, bool is_done, std::int64_t now_ns) {
  c.is_kept = false;
  c.verdict = sdk::verdict::hold;
  c.give_up_ns = now_ns + settings_.lease_ns;
  clear_failed(c);
  switch (c.now) {
    case state::running:
      c.now = is_done ? state::finishing : state::releasing;
      if (is_done) done.add(c.key, now_ns + settings_.window_ns);
      send(c, is_done ? step::finish : step::release, c.stored(), c.has_waiter);
      if (!is_done) {
        ++counts.released;
        decide(c, sdk::verdict::pass);
      }
      return;
    case state::waiting:
      stop_waiting(c);
      end(c);
      return decide(c, sdk::verdict::pass);
    case state::asking:  // it was taken back before anything was known: what was perhaps claimed is let go of
      c.now = state::releasing;
      if (c.open == 0) send(c, step::release, c.token);
      return decide(c, sdk::verdict::pass);
    default:
      return decide(c, sdk::verdict::pass);
  }
}

void claims::let_go(claim& c) {
  c.is_owed = false;
  collect(c);
}

void claims::answered(const request& r, const reply& a, std::int64_t now_ns, std::int64_t wall_ns) {
  claim& c = *r.whose;
  --c.open;
  if (a.what == said::failed) {
    missed(c, r, now_ns);
  } else if (r.what == step::take) {
    took(c, a, now_ns, wall_ns);
  } else if (r.what == step::mark) {
    marked(c, a, now_ns, wall_ns);
  } else if (r.what == step::renew) {
    renewed(c, r, a, now_ns);
  } else {
    ended(c, r, a);
  }
  collect(c);
}

void claims::took(claim& c, const reply& a, std::int64_t now_ns, std::int64_t wall_ns) {
  const bool is_ours = a.what == said::ok || (a.what == said::taken && is_mine(c, a.token));
  if (c.now == state::running) {  // its lease had lapsed
    if (is_ours) c.renewed_ns = now_ns;
    else if (!std::exchange(c.is_lost, true)) ++counts.lapsed;
    return;
  }
  if (c.now == state::releasing) return is_ours ? send(c, step::release, c.stored(), c.has_waiter) : end(c);
  if (c.now != state::asking) return;
  if (is_ours) return let_by(c, now_ns);
  if (a.what == said::done) return refuse(c, a.until_ns, now_ns, wall_ns);
  if (a.what == said::taken) return wait(c, a.token);
  end(c);
  c.reason = key_in_use;
  decide(c, sdk::verdict::reject);
}

// Whoever had the key may be gone by now.
void claims::marked(claim& c, const reply& a, std::int64_t now_ns, std::int64_t wall_ns) {
  if (c.now != state::waiting || a.what == said::ok) return;
  if (a.what == said::taken) {
    if ((a.token & 1) == 0) send(c, step::mark, a.token);
    return;
  }
  if (a.what != said::done) return look_again(c);
  stop_waiting(c);
  refuse(c, a.until_ns, now_ns, wall_ns);
}

void claims::renewed(claim& c, const request& r, const reply& a, std::int64_t now_ns) {
  if (c.now != state::running) return;
  if (a.what == said::ok) {
    c.renewed_ns = now_ns;
  } else if (a.what == said::taken && a.token == r.token + 1) {
    c.has_waiter = true;
    send(c, step::renew, c.stored());
  } else if (a.what == said::nothing) {
    c.has_waiter = false;
    send(c, step::take, c.token);
  } else if (!std::exchange(c.is_lost, true)) {
    ++counts.lapsed;
  }
}

// Of finish and release: where somebody waits by now, once more, so that it is told.
void claims::ended(claim& c, const request& r, const reply& a) {
  if (a.what == said::taken && a.token == r.token + 1 && is_mine(c, a.token)) {
    c.has_waiter = true;
    return send(c, r.what, a.token, true);
  }
  if (a.what == said::taken && r.what == step::finish && !c.is_lost) ++counts.lapsed;
  end(c);
  decide(c, sdk::verdict::pass);
}

void claims::missed(claim& c, const request& r, std::int64_t now_ns) {
  switch (r.what) {
    case step::take:
      if (c.now == state::asking && c.waits_for_store) return set_failed(c, step::take);
      if (c.now == state::releasing) return set_failed(c, step::release);  // it may have been done
      if (c.now != state::asking) return;                                  // tick() tries again
      ++counts.unclaimed;
      return let_by(c, now_ns);
    case step::finish:
    case step::release:
      if (now_ns < c.give_up_ns) set_failed(c, r.what);
      else end(c);
      if (!c.waits_for_store || c.now == state::over) decide(c, sdk::verdict::pass);
      return;
    default:  // tick() tries again
      return;
  }
}

void claims::told(std::string_view key) {
  std::vector<claim*> all;
  if (key.empty()) {
    for (const auto& [k, c] : waiting_) all.push_back(c);
  } else {
    const auto [from, to] = waiting_.equal_range(key);
    for (auto at = from; at != to; ++at) all.push_back(at->second);
  }
  for (claim* c : all) look_again(*c);
}

void claims::tick(std::int64_t now_ns) {
  done.expire(now_ns);
  for (claim* c = first_; c != nullptr; c = c->after)
    if (c->now == state::running && !c->is_lost && c->open == 0 &&
        now_ns - c->renewed_ns >= settings_.lease_ns / 4)
      send(*c, step::renew, c->stored());
  told({});
}

void claims::retry(std::int64_t now_ns) {
  for (claim *c = first_, *next = nullptr; c != nullptr; c = next) {
    next = c->after;
    if (!c->fails) continue;
    clear_failed(*c);
    if (c->failed == step::take || now_ns < c->give_up_ns) {
      send(*c, c->failed, c->failed == step::take ? c->token : c->stored(), c->has_waiter);
      continue;
    }
    end(*c);
    decide(*c, sdk::verdict::pass);
    collect(*c);
  }
}

void claims::send(claim& c, step what, std::int64_t token, bool tells) {
  ++c.open;
  outbox.push_back({what, &c, token, tells});
}

void claims::decide(claim& c, sdk::verdict v) {
  if (c.verdict != sdk::verdict::hold && c.verdict != sdk::verdict::park) return;  // it has one
  c.verdict = v;
  if (!c.is_kept) return;
  c.is_kept = v == sdk::verdict::park;
  verdicts.push_back({c.ticket, static_cast<std::uint32_t>(v), c.reason, nullptr});
}

void claims::let_by(claim& c, std::int64_t now_ns) {
  if (c.was_parked) ++counts.taken_over;
  ++counts.let_by;
  c.now = state::running;
  c.renewed_ns = now_ns;
  decide(c, sdk::verdict::pass);
}

void claims::refuse(claim& c, std::int64_t until_ns, std::int64_t now_ns, std::int64_t wall_ns) {
  ++counts.duplicates;
  done.add(c.key, now_ns + std::clamp<std::int64_t>(until_ns - wall_ns, 0, settings_.window_ns));
  end(c);
  decide(c, sdk::verdict::drop);
}

void claims::wait(claim& c, std::int64_t token) {
  c.now = state::waiting;
  waiting_.emplace(c.key, &c);
  if (!std::exchange(c.was_parked, true)) {
    ++counts.parked;
    decide(c, sdk::verdict::park);
  }
  if ((token & 1) == 0) send(c, step::mark, token);
}

void claims::look_again(claim& c) {
  stop_waiting(c);
  c.now = state::asking;
  send(c, step::take, c.token);
}

void claims::stop_waiting(claim& c) {
  const auto [from, to] = waiting_.equal_range(c.key);
  const auto found = std::find_if(from, to, [&](const auto& w) { return w.second == &c; });
  if (found != to) waiting_.erase(found);
}

void claims::end(claim& c) { c.now = state::over; }

void claims::set_failed(claim& c, step what) {
  if (!std::exchange(c.fails, true)) ++failed_;
  c.failed = what;
}

void claims::clear_failed(claim& c) {
  if (std::exchange(c.fails, false)) --failed_;
}

// Where nobody has any use for it any more.
void claims::collect(claim& c) {
  if (c.is_owed || c.open > 0 || c.fails || c.now != state::over) return;
  (c.before != nullptr ? c.before->after : first_) = c.after;
  if (c.after != nullptr) c.after->before = c.before;
  --alive_;
  std::unique_ptr<claim> mine(&c);
  if (spare_.size() < spare_max) spare_.push_back(std::move(mine));
}

}  // namespace postbus::dedup_plugin
