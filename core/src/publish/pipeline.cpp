#include "pipeline.hpp"

#include "engine/engine.hpp"
#include "event/event_key.hpp"
#include "local_interceptor.hpp"

#include <postbus/sdk/topic.hpp>

#include <algorithm>

namespace postbus::detail {

namespace {

constexpr std::size_t at_once = 64;  // items that a feature sees together

// The event that takes another's place is timed as that one would have been; unless others hold it too, who may look at it now.
void pass_on_timing(const event_record& from, event_record& to) noexcept {
  if (from.timed == sampling::none || to.references.load(std::memory_order_acquire) != 1) return;
  to.timed = to.time_ns == from.time_ns ? from.timed : sampling::handlers;
}

// A reason that is the name of an error is that error.
error::errc refusal_named(std::string_view reason) noexcept {
  for (int value = error::closed; value <= error::paused; ++value)
    if (code_name(make_error_code(static_cast<error::errc>(value))) == reason)
      return static_cast<error::errc>(value);
  return error::refused;
}

}  // namespace

void pipeline::add(plugin_instance& plugin, const feature_settings& settings) {
  const auto* table = plugin.interface<postbus_interceptor>("postbus.interceptor/1");
  if (table == nullptr) return;  // it only answers calls
  const auto refuse = [&](const std::string& found, const std::string& wanted) {
    throw error(error::bad_plugin, "plugin '" + plugin.id() + "' (" + plugin.origin() + ") " + found, wanted,
                "");
  };
  if (!POSTBUS_CAN(table, on_batch)) refuse("has no on_batch", "a complete postbus_interceptor table");
  constexpr std::uint32_t asked = POSTBUS_AT_PUBLISH | POSTBUS_AT_DELIVER;
  if ((table->stages & ~(asked | POSTBUS_AT_PUBLISHED | POSTBUS_AT_SETTLED)) != 0 ||
      (table->stages & asked) == 0)
    refuse("has stages " + std::to_string(table->stages), "PUBLISH or DELIVER, and those that follow them");
  const auto may = [&](std::string_view verdict) {
    const auto& all = plugin.manifest().verdicts;
    return std::find(all.begin(), all.end(), verdict) != all.end();
  };
  add({plugin.id(), &plugin.manifest().reasons, table, plugin.self(), settings, may("hold"), may("park")});
}

void pipeline::add(const std::string& name, const local_feature& given, const feature_settings& settings) {
  local_.push_back(std::make_unique<local_interceptor>(given, *engine_.rt));
  add({name, nullptr, &local_.back()->table, local_.back().get(), settings, false, false});
}

void pipeline::add(feature f) {
  if (features_.size() == features_max)
    throw error(error::bad_config, "more than 64 features", "at most 64", "put some of them into one plugin");
  wants_settled_ = wants_settled_ || (f.table->stages & POSTBUS_AT_SETTLED) != 0;
  features_.push_back(std::move(f));
}

pipeline::pipeline(engine& owner) : engine_(owner) {}
pipeline::~pipeline() = default;

void pipeline::scope(topic_entry& entry) const {
  for (std::size_t i = 0; i < features_.size(); ++i) {
    const auto& topics = features_[i].settings.topics;
    if (!topics.empty() && std::none_of(topics.begin(), topics.end(),
                                        [&](const auto& p) { return sdk::matches(p, entry.topic); }))
      continue;
    if ((features_[i].table->stages & POSTBUS_AT_PUBLISH) != 0) entry.publish_mask |= std::uint64_t{1} << i;
    if ((features_[i].table->stages & POSTBUS_AT_DELIVER) != 0) entry.deliver_mask |= std::uint64_t{1} << i;
  }
}

// In blocks, so that threads do not write one word for every item.
std::uint64_t pipeline::next_ticket(thread_record& thread) const noexcept {
  constexpr std::uint64_t block = 4'096;
  if (thread.next_ticket % block == 0)
    thread.next_ticket = engine_.tickets.fetch_add(block, std::memory_order_relaxed);
  return ++thread.next_ticket;
}

void pipeline::ask(thread_record& thread, std::uint32_t stage, std::span<traveller> travellers) const {
  for (std::uint32_t k = 0; k < features_.size(); ++k)
    ask_one(thread, place_of(stage, k), k, stage, travellers);
}

void pipeline::ask_one(thread_record& thread, std::size_t place, std::uint32_t number, std::uint32_t stage,
                       std::span<traveller> travellers) const {
  const feature& f = features_[place];
  const std::uint64_t bit = std::uint64_t{1} << place;
  const bool waits = f.may_hold || f.may_park;
  const bool is_owed =
      (f.table->stages & (stage == POSTBUS_AT_PUBLISH ? POSTBUS_AT_PUBLISHED : POSTBUS_AT_SETTLED)) != 0;
  std::array<postbus_item, at_once> items;
  std::array<traveller*, at_once> whose;
  std::vector<std::string> keys;  // only for keys that are put together
  std::size_t n = 0;
  const auto call = [&] {
    if (n == 0) return;
    {
      std::optional<flow_table::question> open;
      if (waits) open.emplace(waiting, std::span<const postbus_item>{items.data(), n});
      f.table->on_batch(f.self, stage, items.data(), n);
    }
    for (std::size_t i = 0; i < n; ++i) {
      traveller& t = *whose[i];
      t.at = number + 1;
      const std::uint32_t verdict = items[i].verdict;
      const bool is_kept = verdict == POSTBUS_HOLD || verdict == POSTBUS_PARK;
      if (is_owed && (verdict == POSTBUS_PASS || is_kept || verdict == POSTBUS_REPLACE)) {
        t.marks.passed |= bit;
        t.marks.memos.set(place, items[i].memo, features_.size());
      }
      if (verdict == POSTBUS_PASS) continue;
      carry_out(thread, place, stage, items[i], t);
      if (t.is_kept()) t.at = number;
      else if (waits && is_kept) waiting.dismiss(items[i].ticket);
    }
    n = 0;
  };
  if (f.settings.key.is_made()) keys.resize(std::min(at_once, travellers.size()));
  std::string none;
  for (traveller& t : travellers) {
    const std::uint64_t mask = stage == POSTBUS_AT_PUBLISH ? t.entry->publish_mask : t.entry->deliver_mask;
    if (t.verdict != POSTBUS_PASS || t.at > number || (mask & bit) == 0) continue;
    if ((f.table->needs & POSTBUS_NEED_ID) != 0) event_record::of(t.event).fill();
    postbus_item& item = items[n];
    item = {};
    item.event = t.event;
    item.ticket = t.marks.ticket;
    item.memo = t.marks.memos.of(place);
    item.cause = t.cause;
    item.attempt = t.attempt;
    item.key = key_for(f, *t.event, keys.empty() ? none : keys[n]);
    item.subscriber = t.subscriber;
    item.can = stage == POSTBUS_AT_PUBLISH ? t.entry->transport->can : t.can;
    whose[n] = &t;
    if (++n == at_once) call();
  }
  call();
}

void pipeline::take_answer(thread_record& thread, std::uint32_t stage, traveller& t,
                           const postbus_verdict& answer) const {
  t.verdict = POSTBUS_PASS;
  if (answer.verdict == POSTBUS_HOLD) return;  // it is asked again
  const std::size_t place = place_of(stage, t.at++);
  postbus_item item{};
  item.event = t.event;
  item.verdict = answer.verdict;
  item.reason = answer.reason;
  item.replacement = answer.replacement;
  carry_out(thread, place, stage, item, t);
  if (t.verdict != POSTBUS_PARK) return;  // that is no answer to having waited
  t.verdict = POSTBUS_REJECT;
  t.ec = make_error_code(error::refused);
  t.reason = features_[place].id + ": resumed with no verdict";
}

void pipeline::tell(std::uint32_t stage, std::span<telling> all) const {
  std::uint64_t owed = 0;
  for (telling& how : all) {
    how.is_held = false;
    owed |= how.marks->passed;
  }
  for (std::uint32_t k = 0; owed != 0 && k < features_.size(); ++k)
    if (const std::size_t place = place_of(stage, k); (owed >> place & 1) != 0)
      tell_one(place, k, stage, all);
}

void pipeline::tell_one(std::size_t place, std::uint32_t number, std::uint32_t stage,
                        std::span<telling> all) const {
  const feature& f = features_[place];
  const std::uint64_t bit = std::uint64_t{1} << place;
  const bool may_wait = stage == POSTBUS_AT_SETTLED && f.may_hold;
  std::array<postbus_item, at_once> items;
  std::array<telling*, at_once> whose;
  std::vector<std::string> keys;
  std::size_t n = 0;
  const auto call = [&] {
    if (n == 0) return;
    {
      std::optional<flow_table::question> open;
      if (may_wait) open.emplace(waiting, std::span<const postbus_item>{items.data(), n});
      f.table->on_batch(f.self, stage, items.data(), n);
    }
    for (std::size_t i = 0; i < n; ++i) {
      telling& how = *whose[i];
      if (may_wait && items[i].verdict == POSTBUS_HOLD) {
        how.is_held = true;
      } else if (items[i].verdict == POSTBUS_REJECT && stage == POSTBUS_AT_SETTLED) {
        refuse(f, how, items[i].reason);
      } else if (items[i].verdict != POSTBUS_PASS) {
        engine_.log->burst(POSTBUS_LOG_ERROR, "bus", "outcome " + f.id,
                           "feature '" + f.id +
                               "' answered what it was told of an item's end with the verdict " +
                               std::to_string(items[i].verdict) + ", which is passed over");
        if (may_wait) waiting.dismiss(items[i].ticket);
      }
      how.at = how.is_held ? number : number + 1;
    }
    n = 0;
  };
  if (f.settings.key.is_made()) keys.resize(std::min(at_once, all.size()));
  std::string none;
  for (telling& how : all) {
    if (how.is_held || (how.marks->passed & bit) == 0) continue;
    how.marks->passed &= ~bit;
    postbus_item& item = items[n];
    item = {};
    item.event = how.event;
    item.ticket = how.marks->ticket;
    item.memo = how.marks->memos.of(place);
    item.attempt = how.attempt;
    item.outcome = how.is_refused ? std::int32_t{POSTBUS_RELEASE} : how.outcome;
    item.key = key_for(f, *how.event, keys.empty() ? none : keys[n]);
    item.subscriber = how.subscriber;
    whose[n] = &how;
    if (++n == at_once) call();
  }
  call();
}

void pipeline::take_answer(telling& how, const postbus_verdict& answer) const {
  const feature& f = features_[place_of(POSTBUS_AT_SETTLED, how.at++)];
  if (answer.verdict == POSTBUS_REJECT) refuse(f, how, answer.reason);
}

// Counts for what would be acked; what goes back anyway goes back.
void pipeline::refuse(const feature& f, telling& how, std::uint32_t reason) const {
  if (how.is_refused || (how.outcome != POSTBUS_ACK && how.outcome != POSTBUS_DROPPED)) return;
  how.is_refused = true;
  how.reason = f.id + ": " + std::string(words_of(f, reason));
}

// As an item has it: an event without the value has an empty key, not none.
postbus_str pipeline::key_for(const feature& f, const postbus_event& event, std::string& buffer) {
  if (f.settings.key.empty()) return {};
  const std::string_view key = key_of(f.settings.key, event, f.settings.topics, buffer);
  return sdk::str(key.data() != nullptr ? key : std::string_view(""));
}

std::string_view pipeline::words_of(const feature& f, std::uint32_t reason) const noexcept {
  if (f.reasons == nullptr) return local_interceptor::reason(reason);
  return reason < f.reasons->size() ? std::string_view((*f.reasons)[reason]) : std::string_view("rejected");
}

void pipeline::carry_out(thread_record& thread, std::size_t place, std::uint32_t stage,
                         const postbus_item& answer, traveller& t) const {
  const feature& f = features_[place];
  const bool publishing = stage == POSTBUS_AT_PUBLISH;
  const auto because = [&](std::string_view why) { t.reason = f.id + ": " + std::string(why); };
  switch (answer.verdict) {
    case POSTBUS_PASS:
      return;
    case POSTBUS_DROP:
      t.verdict = POSTBUS_DROP;
      return;
    case POSTBUS_REJECT:
      t.verdict = POSTBUS_REJECT;
      t.ec = make_error_code(refusal_named(words_of(f, answer.reason)));
      return because(words_of(f, answer.reason));
    case POSTBUS_HOLD:
      if (!f.may_hold) break;
      t.verdict = POSTBUS_HOLD;
      return;
    case POSTBUS_PARK:
      if (!f.may_park) break;
      t.verdict = POSTBUS_PARK;
      return;
    case POSTBUS_REPLACE: {
      if (answer.replacement == nullptr) break;
      event_record& other = event_record::of(answer.replacement);
      pass_on_timing(event_record::of(t.event), other);
      if (t.owned != nullptr) t.owned->release();
      t.owned = &other;
      t.event = t.owned;
      const std::string_view topic = sdk::view(t.event->topic);
      topic_entry* entry = engine_.find_topic(thread, topic, sdk::hash_bytes(topic), t.ec, true);
      const bool fits = entry != nullptr && (!publishing || t.event->data.len <= entry->transport->data_max);
      if (fits) {
        t.entry = entry;
        return;
      }
      t.verdict = POSTBUS_REJECT;
      if (entry != nullptr) t.ec = make_error_code(error::too_large);
      return because(entry == nullptr ? "replaced the event by one on a malformed topic"
                                      : "replaced the event by one that is too large");
    }
    default:
      break;  // FAIL, or what the manifest did not declare
  }
  if (answer.verdict != POSTBUS_FAIL)
    engine_.log->burst(POSTBUS_LOG_ERROR, "bus", "verdict " + f.id,
                       "feature '" + f.id + "' answered with the verdict " + std::to_string(answer.verdict) +
                           ", which it may not; treated as a failure");
  else
    engine_.log->burst(POSTBUS_LOG_ERROR, "bus", "feature " + f.id,
                       "feature '" + f.id + "' failed " +
                           (publishing ? "at a publish on '" : "at a delivery on '") +
                           std::string(sdk::view(t.event->topic)) + "'");
  switch (publishing ? f.settings.at_publish : f.settings.at_deliver) {
    case failure_policy::pass:
      return;
    case failure_policy::refuse:
      t.verdict = POSTBUS_REJECT;
      t.ec = make_error_code(error::refused);
      break;
    case failure_policy::retry:
      t.verdict = POSTBUS_FAIL;
      break;
  }
  because("the feature failed");
}

}  // namespace postbus::detail
