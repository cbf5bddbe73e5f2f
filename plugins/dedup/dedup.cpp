#include "dedup.hpp"

#include "names.hpp"

#include <utility>

namespace postbus::dedup_plugin {
namespace {

constexpr std::chrono::milliseconds retry_after{250};
constexpr std::size_t at_once = 64;  // items that are looked at together
constexpr std::size_t key_max = 1024;

// An item keeps its claim as its memo.
claim* claim_of(const postbus_item& raw) noexcept { return reinterpret_cast<claim*>(raw.memo); }

}  // namespace

dedup::dedup(sdk::context& ctx)
    : ctx_(ctx),
      store_(ctx),
      flow_(ctx),
      window_ns_(ctx.integer("window")),
      lease_ns_(ctx.integer("claim")),
      at_publish_(ctx.boolean("publish")),
      on_store_down_(ctx.text("on_store_down")),
      let_by_metric_(ctx.metric(POSTBUS_COUNTER, "claimed_total", "Events that were let by.")),
      duplicates_metric_(
          ctx.metric(POSTBUS_COUNTER, "duplicates_total", "Events that were dropped as copies.")),
      unclaimed_metric_(ctx.metric(POSTBUS_COUNTER, "unclaimed_total",
                                   "Events that were let by although the store did not answer.")),
      calls_metric_(ctx.metric(POSTBUS_COUNTER, "store_calls_total", "Calls of the store.")),
      ids_metric_(ctx.metric(POSTBUS_GAUGE, "known_ids", "Handled events that this process knows.")),
      bytes_metric_(ctx.metric(POSTBUS_GAUGE, "known_bytes", "Bytes that they take.")),
      claims_({window_ns_, lease_ns_, static_cast<std::size_t>(ctx.integer("cache_max"))}) {}

void dedup::start(sdk::completion<>&& done) {
  token_ = static_cast<std::int64_t>(ctx_.random() >> 3) & ~std::int64_t{1};
  own_ = std::to_string(ctx_.random());
  // Without watches, and where they cannot be had now, those that wait look for themselves from time to time.
  if (!store_.can_watch()) return done.ok();
  store_.watch(names::prefix, notes_,
               [this, d = std::move(done)](std::int32_t status, std::uint64_t watch) mutable {
                 if (status == POSTBUS_OK) watch_ = watch;
                 else
                   ctx_.log(POSTBUS_LOG_WARN,
                            "the store gives no watch: copies wait up to the twelfth part of `claim` longer");
                 d.ok();
               });
}

void dedup::stop(sdk::completion<>&& done) {
  if (watch_ == 0) return done.ok();
  store_.unwatch(watch_, [d = std::move(done)](std::int32_t) mutable { d.ok(); });
}

std::uint32_t dedup::stages() const noexcept {
  constexpr std::uint32_t delivered = POSTBUS_AT_DELIVER | POSTBUS_AT_SETTLED;
  return at_publish_ ? delivered | POSTBUS_AT_PUBLISH | POSTBUS_AT_PUBLISHED : delivered;
}

void dedup::on_batch(std::uint32_t stage, std::span<postbus_item> items) {
  const bool asks = stage == POSTBUS_AT_PUBLISH || stage == POSTBUS_AT_DELIVER;
  for (std::span rest = items; !rest.empty(); rest = rest.subspan(std::min(rest.size(), at_once))) {
    const std::span some = rest.first(std::min(rest.size(), at_once));
    asks ? ask(stage, some) : tell(stage, some);
  }
}

// ---- before

void dedup::ask(std::uint32_t stage, std::span<postbus_item> items) {
  const std::int64_t now = ctx_.now_ns();
  std::unique_lock lock(mutex_);
  for (postbus_item& raw : items)
    if (raw.memo == 0) show(stage, raw, now);  // else it was taken back, and had been let by
  const bool asks_store = !claims_.outbox.empty();
  if (asks_store) {
    lock.unlock();
    flush();
    lock.lock();
  }
  for (postbus_item& raw : items)
    if (claim* c = claim_of(raw); c != nullptr && c->verdict != sdk::verdict::pass) answer(raw, *c);
  count();
  lock.unlock();
  if (asks_store) arm();
}

// What has no key goes by.
void dedup::show(std::uint32_t stage, postbus_item& raw, std::int64_t now_ns) {
  const sdk::item i(raw);
  if (i.has_key_configured() ? i.key().empty() : sdk::view(raw.event->source).empty()) {
    ++without_key_;
    return;
  }
  claim& c = claims_.make();
  raw.memo = reinterpret_cast<std::uintptr_t>(&c);
  write_key(stage, i, c.key);
  c.ticket = i.ticket();
  c.token = token_ = (token_ + 2) & INT64_MAX;
  c.waits_for_store = waits_for_store(i);
  if (c.key.size() <= key_max) return claims_.arrive(c, now_ns);
  c.now = claim::state::over;
  c.verdict = sdk::verdict::reject;
  c.reason = key_too_long;
}

void dedup::write_key(std::uint32_t stage, const sdk::item& i, std::string& to) {
  const postbus_subscriber* who = i.subscriber();
  if (stage == POSTBUS_AT_PUBLISH || who == nullptr) names::of_publishes(to);
  else if (who->group.len > 0) names::of_group(to, sdk::view(who->group), sdk::view(who->pattern));
  else names::of_subscription(to, own_, who->number);
  if (i.has_key_configured()) return names::add_key(to, i.key());
  ctx_.fill(i.event());
  names::add_event(to, sdk::view(i.event().source), sdk::view(i.event().id));
}

bool dedup::waits_for_store(const sdk::item& i) const noexcept {
  if (on_store_down_ != "auto") return on_store_down_ == "wait";
  return i.transport_can(POSTBUS_CAN_PERSIST);
}

// With the lock held, of what is not just let by.
void dedup::answer(postbus_item& raw, claim& c) {
  const sdk::verdict v = c.verdict;
  raw.verdict = static_cast<std::uint32_t>(v);
  if (v == sdk::verdict::hold || v == sdk::verdict::park) return claims_.keep(c);
  raw.reason = c.reason;
  raw.memo = 0;
  claims_.let_go(c);
}

// ---- after

void dedup::tell(std::uint32_t stage, std::span<postbus_item> items) {
  const std::int64_t now = ctx_.now_ns();
  const auto is_done = [stage](const postbus_item& raw) {
    if (stage == POSTBUS_AT_PUBLISHED) return raw.outcome == POSTBUS_OK;
    return raw.outcome == POSTBUS_ACK || raw.outcome == POSTBUS_DROPPED;
  };
  {
    const std::lock_guard lock(mutex_);
    for (postbus_item& raw : items)
      if (claim* c = claim_of(raw)) claims_.settled(*c, is_done(raw), now);
  }
  flush();
  const std::lock_guard lock(mutex_);
  for (postbus_item& raw : items) {
    claim* c = claim_of(raw);
    if (c == nullptr) continue;
    if (c->verdict == sdk::verdict::hold && stage == POSTBUS_AT_SETTLED) {
      raw.verdict = POSTBUS_HOLD;
      claims_.keep(*c);
    }
    claims_.let_go(*c);
  }
}

// ---- the store

void dedup::flush() {
  for (;;) {
    store_call* c = nullptr;
    {
      const std::lock_guard lock(mutex_);
      if (claims_.outbox.empty() || calls_ == calls_max) return;
      if (idle_calls_.empty()) {
        idle_calls_.push_back(std::make_unique<store_call>());
        idle_calls_.back()->self = this;
      }
      c = idle_calls_.back().release();
      idle_calls_.pop_back();
      ++calls_;
      ++all_calls_;
      c->steps.take(claims_.outbox, {lease_ns_, window_ns_, ctx_.wall_ns()});
    }
    ctx_.owed().retain();
    store_.execute(c->steps.ops(),
                   {[](void* box, std::int32_t status, const void* results, const postbus_error* error) {
                      auto& mine = *static_cast<store_call*>(box);
                      mine.self->answered(mine, status, static_cast<const postbus_op_result*>(results),
                                          error);
                    },
                    c});
  }
}

void dedup::answered(store_call& c, std::int32_t status, const postbus_op_result* results,
                     const postbus_error* error) {
  const std::int64_t now = ctx_.now_ns(), wall = ctx_.wall_ns();
  bool failed = false, retries = false;
  {
    const std::lock_guard lock(mutex_);
    c.steps.each_reply(status == POSTBUS_OK ? results : nullptr, [&](const request& r, const reply& a) {
      failed = failed || a.what == reply::kind::failed;
      if (r.what == step::finish && a.what == reply::kind::ok) {
        ++ids_;
        bytes_ += c.steps.bytes_of_done(r);
      }
      claims_.answered(r, a, now, wall);
    });
    if (failed) ++failures_;
    c.verdicts.swap(claims_.verdicts);
    retries = claims_.anything_failed() && !std::exchange(retries_, true);
  }
  if (failed != is_down_.exchange(failed)) say(failed, error);
  if (!c.verdicts.empty()) flow_.resume(c.verdicts);
  if (retries) ctx_.timer(retry_after, [this] { retry(); });
  {
    const std::lock_guard lock(mutex_);
    c.verdicts.clear();
    c.steps.clear();
    idle_calls_.emplace_back(&c);
    --calls_;
  }
  flush();
  ctx_.owed().release();  // the last thing: perhaps nothing is left after it
}

void dedup::say(bool is_down, const postbus_error* error) {
  if (!is_down) return ctx_.healthy();
  const std::string why = error != nullptr ? std::string(": ") + error->message : "";
  ctx_.unwell(POSTBUS_DEGRADED, "the store takes no claims" + why,
              "see to the store; meanwhile events wait or pass, as on_store_down says");
}

void dedup::noted(std::string_view key, std::string_view note) {
  {
    const std::lock_guard lock(mutex_);
    if (key.empty()) claims_.done.clear();  // what was to be forgotten is not known
    if (note == forgotten) claims_.done.erase(key);
    else claims_.told(key);
  }
  flush();
}

// ---- time

void dedup::arm() {
  {
    const std::lock_guard lock(mutex_);
    if (claims_.empty() || std::exchange(ticks_, true)) return;
  }
  ctx_.timer(std::chrono::nanoseconds(lease_ns_ / 12), [this] { tick(); });
}

void dedup::tick() {
  {
    const std::lock_guard lock(mutex_);
    ticks_ = false;
    claims_.tick(ctx_.now_ns());
    count();
  }
  flush();
  arm();
}

void dedup::retry() {
  std::vector<postbus_verdict> verdicts;
  {
    const std::lock_guard lock(mutex_);
    retries_ = false;
    claims_.retry(ctx_.now_ns());
    verdicts.swap(claims_.verdicts);
  }
  if (!verdicts.empty()) flow_.resume(verdicts);
  flush();
}

}  // namespace postbus::dedup_plugin
