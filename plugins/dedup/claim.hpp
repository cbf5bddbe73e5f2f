// claim: one item on its way through dedup, and the steps in the store that it takes. Pure data.
#pragma once

#include <postbus/sdk/interceptor.hpp>

#include <cstdint>
#include <string>

namespace postbus::dedup_plugin {

// Why an event is rejected; as plugin.json lists them.
enum reason : std::uint32_t { key_too_long = 0, key_in_use = 1 };

// What is to be done to the key of a claim, in the store.
enum class step : std::uint8_t {
  take,     // claim it, where nothing is there
  mark,     // ask whoever has it to tell when it is over
  renew,    // the lease
  finish,   // it is done, for the window
  release,  // it was not done: whoever comes next may
};

// One item, from when it is shown until nothing is left to do about it.
struct claim {
  enum class state : std::uint8_t {
    asking,     // the store is asked who has it
    waiting,    // somebody else has it
    running,    // it was let by: claimed, or nobody knows because the store does not say
    finishing,  // it is being written that it is done
    releasing,  // it is being let go of
    over,       // nothing is left to do
  };

  std::string key;
  std::int64_t token =
      0;  // what the store holds while this has the key; even. One more: somebody waits for it
  std::uint64_t ticket = 0;
  std::int64_t renewed_ns = 0;                // when the lease began last
  std::int64_t give_up_ns = 0;                // until when finish and release are tried
  claim *before = nullptr, *after = nullptr;  // among all that are alive
  sdk::verdict verdict = sdk::verdict::hold;  // for the host; hold: none yet
  std::uint32_t open = 0;                     // steps on their way
  std::uint32_t reason = 0;                   // of a verdict `reject`: one of the manifest's
  state now = state::asking;
  step failed = step::take;      // what is to be tried again, where `fails`
  bool fails = false;            // the store did not say
  bool has_waiter = false;       // the store has token + 1
  bool is_lost = false;          // its lease lapsed, and somebody else has the key
  bool was_parked = false;       // the host was told that it will take long
  bool waits_for_store = false;  // on_store_down
  bool is_kept = false;          // the host waits for a verdict
  bool is_owed = true;           // the host still says how it ends, or looks at the verdict

  std::int64_t stored() const noexcept { return token + (has_waiter ? 1 : 0); }
};

// A step on its way.
struct request {
  step what;
  claim* whose;
  std::int64_t token;  // that the key is expected to have; of take: that it gets
  bool tells;          // and those who wait are told
};

// What the store said.
struct reply {
  enum class kind : std::uint8_t {
    ok,
    taken,    // a claim is there: `token`
    done,     // it was done; the window ends at `until_ns`, by the wall
    nothing,  // nothing is there
    wrong,    // something is there that is none of ours
    failed    // the store is away, or has no room
  };
  kind what = kind::ok;
  std::int64_t token = 0, until_ns = 0;
};

}  // namespace postbus::dedup_plugin
