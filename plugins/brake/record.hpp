// record: what the store says of one scope, and the groups of ops that change it.
//
//   paused:NAME        a string: the scope is paused, whatever it says
//   brake_state:NAME   a hash: state, epoch, activated_at, actor, paused_tasks_count, stuck_tasks
//   brake_confirm:NAME a hash: process -> epoch that it has confirmed, and how many deliveries it has set aside
//   inflight:KEY       a sorted set: a registration for each delivery that may run -> the end of its lease
//   brake_processes    a sorted set: process -> the end of its lease
#pragma once

#include "scope.hpp"

#include <postbus/sdk/store_client.hpp>

#include <chrono>
#include <optional>

namespace postbus::brake_plugin {

enum class phase { running, pausing, paused, partial, resuming };
std::string_view name_of(phase p) noexcept;
// Empty for another word, which a foreign program may have written.
std::optional<phase> phase_named(std::string_view word) noexcept;
// Nothing of the scope may start.
constexpr bool blocks(phase p) noexcept {
  return p == phase::pausing || p == phase::paused || p == phase::partial;
}

inline constexpr std::string_view flag_prefix = "paused:", confirm_prefix = "brake_confirm:",
                                  work_prefix = "inflight:", processes_key = "brake_processes";
std::string flag_key(std::string_view name);
std::string state_key(std::string_view name);
std::string confirm_key(std::string_view name);
// Where the work for this key is registered. Without a key: "inflight:*".
std::string work_key(std::string_view item_key);

struct record {
  bool has_flag = false, has_state = false;
  std::int64_t epoch = 0;
  std::optional<std::string> epoch_text{}, state_text{};  // as they are stored: what a change compares with
  brake_plugin::phase phase = phase::running;
  std::string actor, activated_at, stuck;

  // From the results of read_ops().
  static record read(const sdk::store_result& flag, const sdk::store_result& state);
};
// Two ops: the flag, the hash.
void read_ops(sdk::store_ops& to, std::string_view name);

// The event asks once: obeyed, also where there was nothing to do.
sdk::store_op heard_op(sdk::store_ops& to, std::string_view event);

struct change {
  brake_plugin::phase to = phase::pausing;
  std::int64_t epoch = 0;
  std::string actor{};
  std::uint64_t parked = 0;        // deliveries set aside, in all processes
  std::string stuck = "[]";        // what still runs, as JSON
  std::string heard{};             // the event that asked for it, or none: it asks once
  bool leaves_flag_as_is = false;  // what another program wrote there stays
};
// One group: nothing happens unless everything is as `seen`, and watchers of the flag are told "epoch:state". The result of the op that
// tells of `heard`, where there is one, is the first.
sdk::store_ops change_ops(std::string_view name, const record& seen, const change& c);

// The gate of a key: a registration, unless the key is paused.
sdk::store_ops enter_ops(std::string_view item_key, std::string_view member, std::chrono::nanoseconds lease);
// The registration lives on, unless it has lapsed: two ops, in a group.
void renew_ops(sdk::store_ops& to, std::uint32_t group, std::string_view item_key, std::string_view member,
               std::chrono::nanoseconds lease);

}  // namespace postbus::brake_plugin
