#include "record.hpp"

#include <array>
#include <charconv>

namespace postbus::brake_plugin {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::string_view, 5> names{"running", "pausing", "paused", "partial", "resuming"};
constexpr auto remembered = 24h;  // the epoch of a scope that runs again
constexpr auto heard_for = 1h;    // an event that comes twice comes within this time

void compare(sdk::store_op op, const std::optional<std::string>& seen) {
  seen ? op.if_equal(*seen).in_group(1) : op.if_absent().in_group(1);
}

}  // namespace

std::string_view name_of(phase p) noexcept { return names[static_cast<std::size_t>(p)]; }

std::optional<phase> phase_named(std::string_view word) noexcept {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == word) return static_cast<phase>(i);
  return std::nullopt;
}

std::string flag_key(std::string_view name) { return std::string(flag_prefix).append(name); }
std::string state_key(std::string_view name) { return std::string("brake_state:").append(name); }
std::string confirm_key(std::string_view name) { return std::string(confirm_prefix).append(name); }
std::string work_key(std::string_view item_key) {
  return std::string(work_prefix).append(item_key.empty() ? "*" : item_key);
}

record record::read(const sdk::store_result& flag, const sdk::store_result& state) {
  record r;
  r.has_flag = flag.number != 0;
  for (std::size_t i = 0; i + 1 < state.values.size(); i += 2) {
    const std::string_view field = state.value(i), value = state.value(i + 1);
    if (field == "epoch") {
      r.epoch_text = value;
      std::from_chars(value.data(), value.data() + value.size(), r.epoch);
    } else if (field == "state") {
      r.state_text = value;
      r.has_state = phase_named(value).has_value();
      r.phase = phase_named(value).value_or(phase::running);
    } else if (field == "actor") {
      r.actor = value;
    } else if (field == "activated_at") {
      r.activated_at = value;
    } else if (field == "stuck_tasks") {
      r.stuck = value;
    }
  }
  return r;
}

void read_ops(sdk::store_ops& to, std::string_view name) {
  to.check(flag_key(name));
  to.hash_all(state_key(name));
}

sdk::store_op heard_op(sdk::store_ops& to, std::string_view event) {
  return to.set(std::string("brake_heard:").append(event), "1").if_absent().ttl(heard_for);
}

sdk::store_ops change_ops(std::string_view name, const record& seen, const change& c) {
  const std::string flag = flag_key(name), state = state_key(name), epoch = std::to_string(c.epoch);
  const bool begins = c.to == phase::pausing, ends = c.to == phase::running;
  sdk::store_ops ops;
  if (!c.heard.empty()) heard_op(ops, c.heard).in_group(1);
  compare(ops.check(state).field("epoch"), seen.epoch_text);
  compare(ops.check(state).field("state"), seen.state_text);
  auto same_flag = ops.check(flag);
  (seen.has_flag ? same_flag.if_present() : same_flag.if_absent()).in_group(1);
  ops.hash_set(state, "epoch", epoch).in_group(1);
  ops.hash_set(state, "state", name_of(c.to)).in_group(1);
  if (begins) ops.hash_set(state, "activated_at", 0).store_time().in_group(1);
  if (begins || c.to == phase::resuming) ops.hash_set(state, "actor", c.actor).in_group(1);
  ops.hash_set(state, "paused_tasks_count", std::to_string(c.parked)).in_group(1);
  ops.hash_set(state, "stuck_tasks", c.stuck).in_group(1);
  ops.expire(state, ends ? std::chrono::nanoseconds(remembered) : 0ns).in_group(1);
  if (begins && !c.leaves_flag_as_is) ops.set(flag, epoch).in_group(1);
  if (c.to == phase::resuming) ops.erase(flag).in_group(1);
  if (begins || ends) ops.erase(confirm_key(name)).in_group(1);
  ops.notify(flag, epoch + ":" + std::string(name_of(c.to))).in_group(1);
  return ops;
}

sdk::store_ops enter_ops(std::string_view item_key, std::string_view member, std::chrono::nanoseconds lease) {
  sdk::store_ops ops;
  if (!item_key.empty()) ops.check(flag_key(item_key)).if_absent().in_group(1);
  ops.zset_put(work_key(item_key), member, lease.count()).store_time().in_group(1);
  return ops;
}

void renew_ops(sdk::store_ops& to, std::uint32_t group, std::string_view item_key, std::string_view member,
               std::chrono::nanoseconds lease) {
  const std::string key = work_key(item_key);
  to.check(key).member(member).if_at_most().store_time().in_group(group);
  to.zset_put(key, member, lease.count()).store_time().in_group(group);
}

}  // namespace postbus::brake_plugin
