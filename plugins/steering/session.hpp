// session: what the store keeps of a session, and each atomic step over it: the ops, and what their answer means. No step waits, and
// none looks at a clock: this is the whole logic, and can be played through by hand.
//
//   steering:S                 the inbox: a list of items, the next one in front; other programs use it too
//   {steering:S}:taken         the batch that a worker has and did not confirm, in its order
//   {steering:S}:batch         the name of that batch; who knows it is the worker
//   {steering:S}:ended         there: the session has ended
//   {steering:S}:item:ID       what became of an item of ours: accepted, late, seen, dropped
//
// In a cluster the braces keep all of them in the slot of the inbox.
#pragma once

#include <postbus/sdk/store_client.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace postbus::steering_plugin {

enum class outcome {
  done,
  late,        // a push: the session has ended; it is kept for the next one
  duplicate,   // a push: an item of this id was pushed before
  full,        // a push: the inbox is
  ended,       // a cut: only into a session that goes on
  goes_on,     // a cut of what is queued for an ended session: it was opened again
  taken_over,  // another one has taken from the session since, or ended it
  failed       // the store says no: status and why
};

struct result {
  steering_plugin::outcome outcome = outcome::done;
  std::int32_t status = POSTBUS_OK;
  std::string why;                  // of failed; of duplicate: what became of the first one
  std::vector<std::string> given;   // items, as they are stored: handed out, or shown
  std::vector<std::string> before;  // those that a worker had before: confirmed now, dropped now, or shown
  std::int64_t queued = 0;          // left in the inbox
  std::int64_t taken = 0;           // in the batch that is not confirmed
  std::size_t again = 0;            // so many in front of `given` were given to somebody before
  bool ended = false;
};

struct step {
  sdk::store_ops ops;
  result (*read)(const sdk::store_answer&);
};

struct limits {
  std::int64_t queue_max;
  std::chrono::nanoseconds ttl;
};

class session {
 public:
  session(std::string_view id, const limits& most);

  const std::string& id() const noexcept { return id_; }
  const std::string& inbox() const noexcept { return inbox_; }
  std::string item(std::string_view id) const { return tag_ + ":item:" + std::string(id); }

  // ---- who steers
  step push(std::string_view id, std::string_view stored, bool front) const;
  // Drops what is not confirmed, puts this in its place, and tells every process to stop the session's deliveries. -> before, given: what
  // is dropped of the batch and of the inbox.
  step cut(std::string_view id, std::string_view stored) const;
  // The same for an abort that comes after the end: there is nothing to stop, and the next session must not be. -> given: what is dropped.
  step cut_ended(std::string_view id) const;
  step clear() const;  // -> before, given: what is dropped

  // ---- the worker. `batch` is what it got from its last take, or empty: then what another one took and did not confirm comes first.
  // `next` names the batch that it gets; `max` 0: all. -> given, again; before: what is confirmed.
  step take(std::string_view batch, std::string_view next, std::int64_t max) const;
  step confirm(std::string_view batch) const;  // -> before
  // -> before: what is confirmed, given: what is too late. Without a batch what somebody has goes back, and is among these.
  step end(std::string_view batch) const;

  // ---- who looks
  step peek(std::int64_t from, std::int64_t max) const;  // -> given; before: the batch
  step count() const;
  step find(std::string_view id) const;  // -> why: what is written down of it; given, before: everything

 private:
  step take_first(std::string_view next, std::int64_t max) const;
  std::string id_, inbox_, tag_, taken_, batch_, ended_;
  limits most_;
};

}  // namespace postbus::steering_plugin
