#include "pipeline.hpp"

#include "engine/engine.hpp"
#include "event/event_key.hpp"
#include "local_interceptor.hpp"

#include <postbus/sdk/topic.hpp>

#include <algorithm>

namespace postbus::detail {

namespace {

// The event that takes another's place is timed as that one would have been; unless others hold it too, who may look at it now.
void pass_on_timing(const event_record& from, event_record& to) noexcept {
  if (from.timed == sampling::none || to.references.load(std::memory_order_acquire) != 1) return;
  to.timed = to.time_ns == from.time_ns ? from.timed : sampling::handlers;
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
  if ((table->stages & (POSTBUS_AT_PUBLISHED | POSTBUS_AT_SETTLED)) != 0)
    throw error(error::unsupported, "plugin '" + plugin.id() + "' wants the stages PUBLISHED or SETTLED",
                "PUBLISH and DELIVER", "this version of postbus does not have the others yet");
  if ((table->stages & ~(POSTBUS_AT_PUBLISH | POSTBUS_AT_DELIVER)) != 0 || table->stages == 0)
    refuse("has stages " + std::to_string(table->stages), "some of PUBLISH and DELIVER");
  add({plugin.id(), &plugin.manifest().reasons, table, plugin.self(), settings});
}

void pipeline::add(const std::string& name, const local_feature& given, const feature_settings& settings) {
  local_.push_back(std::make_unique<local_interceptor>(given, *engine_.rt));
  add({name, nullptr, &local_.back()->table, local_.back().get(), settings});
}

void pipeline::add(feature f) {
  if (features_.size() == features_max)
    throw error(error::bad_config, "more than 64 features", "at most 64", "put some of them into one plugin");
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

void pipeline::ask(thread_record& thread, std::uint32_t stage, std::span<traveller> travellers) const {
  const std::size_t n = features_.size();
  for (std::size_t k = 0; k < n; ++k) {
    const std::size_t i = stage == POSTBUS_AT_PUBLISH ? k : n - 1 - k;
    ask_one(thread, features_[i], std::uint64_t{1} << i, stage, travellers);
  }
}

void pipeline::ask_one(thread_record& thread, const feature& f, std::uint64_t bit, std::uint32_t stage,
                       std::span<traveller> travellers) const {
  constexpr std::size_t at_once = 64;
  std::array<postbus_item, at_once> items;
  std::array<traveller*, at_once> whose;
  std::vector<std::string> keys;  // only for keys that are put together
  std::size_t n = 0;
  const auto call = [&] {
    if (n == 0) return;
    f.table->on_batch(f.self, stage, items.data(), n);
    for (std::size_t i = 0; i < n; ++i) carry_out(thread, f, stage, items[i], *whose[i]);
    n = 0;
  };
  if (f.settings.key.parts.size() > 1) keys.resize(std::min(at_once, travellers.size()));
  std::string none;
  for (traveller& t : travellers) {
    const std::uint64_t mask = stage == POSTBUS_AT_PUBLISH ? t.entry->publish_mask : t.entry->deliver_mask;
    if (t.verdict != POSTBUS_PASS || (mask & bit) == 0) continue;
    if ((f.table->needs & POSTBUS_NEED_ID) != 0) event_record::of(t.event).fill();
    postbus_item& item = items[n];
    item = {};
    item.event = t.event;
    item.ticket = t.ticket;
    item.cause = t.cause;
    item.attempt = t.attempt;
    item.key = sdk::str(key_of(f.settings.key, *t.event, f.settings.topics, keys.empty() ? none : keys[n]));
    whose[n] = &t;
    if (++n == at_once) call();
  }
  call();
}

void pipeline::carry_out(thread_record& thread, const feature& f, std::uint32_t stage,
                         const postbus_item& answer, traveller& t) const {
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
      t.ec = make_error_code(error::refused);
      return because(f.reasons == nullptr                ? local_interceptor::reason(answer.reason)
                     : answer.reason < f.reasons->size() ? (*f.reasons)[answer.reason]
                                                         : "rejected");
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
