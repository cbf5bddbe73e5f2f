#include "session.hpp"

#include <algorithm>

namespace postbus::steering_plugin {
namespace {

using sdk::store_answer;

constexpr std::uint32_t all = 1;  // the group: everything in a step happens, or nothing

std::vector<std::string> texts(const sdk::store_result& r) {
  std::vector<std::string> list;
  for (const postbus_bytes& v : r.values) list.emplace_back(sdk::view(v));
  return list;
}

bool conflicts(const store_answer& a, std::size_t i) { return a[i].status == POSTBUS_E_CONFLICT; }

result ends(outcome how, std::string why = {}) {
  result r;
  r.outcome = how;
  r.why = std::move(why);
  return r;
}

// What went wrong, where that is none of the outcomes that a step counts on.
result fault(const store_answer& a) {
  result r = ends(outcome::failed, std::string(a.message()));
  r.status = a.status();
  for (std::size_t i = 0; i < a.size() && r.status == POSTBUS_OK; ++i) {
    if (a[i] || a[i].status == POSTBUS_E_CANCELLED) continue;
    r.status = a[i].status;
    r.why = a[i].value();
  }
  return r;
}

result pushed(const store_answer& a) {
  if (conflicts(a, 0)) return ends(outcome::duplicate, std::string(a[0].value()));
  if (a[2].status == POSTBUS_E_FULL && a[2].values.empty()) return ends(outcome::full);
  if (!a.ok()) return fault(a);
  result r = ends(a[1].number != 0 ? outcome::late : outcome::done);
  r.queued = a[2].number;
  return r;
}

result cut_off(const store_answer& a) {
  if (conflicts(a, 0)) return ends(outcome::duplicate, std::string(a[0].value()));
  if (conflicts(a, 1)) return ends(outcome::ended);
  if (!a.ok()) return fault(a);
  result r;
  r.before = texts(a[2]);
  r.given = texts(a[3]);
  r.queued = a[4].number;
  return r;
}

result cut_off_late(const store_answer& a) {
  if (conflicts(a, 0)) return ends(outcome::duplicate, std::string(a[0].value()));
  if (conflicts(a, 1)) return ends(outcome::goes_on);
  if (!a.ok()) return fault(a);
  result r = ends(outcome::late);
  r.given = texts(a[2]);
  return r;
}

result cleared(const store_answer& a) {
  if (!a.ok()) return fault(a);
  result r;
  r.before = texts(a[0]);
  r.given = texts(a[1]);
  return r;
}

// The name of the batch is not the one that the worker knows.
bool is_taken_over(const store_answer& a) { return conflicts(a, 0); }

result taken_first(const store_answer& a) {
  if (!a.ok()) return fault(a);
  result r;
  r.given = texts(a[3]);
  r.queued = a[3].number;
  r.again = std::min(a[2].values.size(), r.given.size());
  return r;
}

result taken_next(const store_answer& a) {
  if (is_taken_over(a)) return ends(outcome::taken_over);
  if (!a.ok()) return fault(a);
  result r;
  r.before = texts(a[2]);
  r.given = texts(a[3]);
  r.queued = a[3].number;
  return r;
}

result confirmed(const store_answer& a) {
  if (is_taken_over(a)) return ends(outcome::taken_over);
  if (!a.ok()) return fault(a);
  result r;
  r.before = texts(a[1]);
  return r;
}

result ended_by_worker(const store_answer& a) {
  result r = confirmed(a);
  if (r.outcome == outcome::done) r.given = texts(a[3]);
  return r;
}

result ended_by_others(const store_answer& a) {
  if (!a.ok()) return fault(a);
  result r;
  r.given = texts(a[3]);
  return r;
}

result looked(const store_answer& a) {
  if (!a.ok()) return fault(a);
  result r;
  r.queued = a[0].number;
  r.given = texts(a[0]);
  r.before = texts(a[1]);
  r.taken = a[1].number;
  r.ended = a[2].number != 0;
  return r;
}

result counted(const store_answer& a) {
  if (!a.ok()) return fault(a);
  result r;
  r.queued = a[0].number;
  r.taken = a[1].number;
  r.ended = a[2].number != 0;
  return r;
}

result found(const store_answer& a) {
  result r = looked(a);
  if (r.outcome == outcome::done) r.why = a[3].value();
  return r;
}

}  // namespace

session::session(std::string_view id, const limits& most)
    : id_(id),
      inbox_("steering:" + id_),
      tag_("{" + inbox_ + "}"),
      taken_(tag_ + ":taken"),
      batch_(tag_ + ":batch"),
      ended_(tag_ + ":ended"),
      most_(most) {}

step session::push(std::string_view id, std::string_view stored, bool front) const {
  step s{{}, pushed};
  s.ops.set(item(id), "accepted").if_absent().ttl(most_.ttl).in_group(all);
  s.ops.check(ended_).in_group(all);
  auto put = s.ops.push(inbox_, stored);
  put.limit(most_.queue_max).ttl(most_.ttl).in_group(all);
  if (front) put.front();
  return s;
}

step session::cut(std::string_view id, std::string_view stored) const {
  step s{{}, cut_off};
  s.ops.set(item(id), "accepted").if_absent().ttl(most_.ttl).in_group(all);
  s.ops.check(ended_).if_absent().in_group(all);
  s.ops.take(taken_).in_group(all);
  s.ops.take(inbox_).in_group(all);
  s.ops.push(inbox_, stored).ttl(most_.ttl).in_group(all);
  s.ops.notify(inbox_, "stop").in_group(all);
  return s;
}

step session::cut_ended(std::string_view id) const {
  step s{{}, cut_off_late};
  s.ops.set(item(id), "late").if_absent().ttl(most_.ttl).in_group(all);
  s.ops.check(ended_).if_present().in_group(all);
  s.ops.take(inbox_).in_group(all);
  return s;
}

step session::clear() const {
  step s{{}, cleared};
  s.ops.take(taken_).in_group(all);
  s.ops.take(inbox_).in_group(all);
  return s;
}

step session::take(std::string_view batch, std::string_view next, std::int64_t max) const {
  if (batch.empty()) return take_first(next, max);
  step s{{}, taken_next};
  s.ops.set(batch_, next).if_equal(batch).ttl(most_.ttl).in_group(all);
  s.ops.erase(ended_).in_group(all);
  s.ops.take(taken_).in_group(all);
  s.ops.take(inbox_).to(taken_).limit(max).ttl(most_.ttl).in_group(all);
  return s;
}

// After a crash there is a batch that nobody will confirm, and nobody can tell whether it was worked on: it goes back to the front, in
// its order, before the next one is taken.
step session::take_first(std::string_view next, std::int64_t max) const {
  step s{{}, taken_first};
  s.ops.set(batch_, next).ttl(most_.ttl).in_group(all);
  s.ops.erase(ended_).in_group(all);
  s.ops.take(taken_).to(inbox_).front().ttl(most_.ttl).in_group(all);
  s.ops.take(inbox_).to(taken_).limit(max).ttl(most_.ttl).in_group(all);
  return s;
}

step session::confirm(std::string_view batch) const {
  step s{{}, confirmed};
  s.ops.erase(batch_).if_equal(batch).in_group(all);
  s.ops.take(taken_).in_group(all);
  return s;
}

step session::end(std::string_view batch) const {
  step s{{}, batch.empty() ? ended_by_others : ended_by_worker};
  auto name = s.ops.erase(batch_).in_group(all);
  if (!batch.empty()) name.if_equal(batch);
  auto rest = s.ops.take(taken_).in_group(all);
  if (batch.empty()) rest.to(inbox_).front().ttl(most_.ttl);
  s.ops.set(ended_, "1").ttl(most_.ttl).in_group(all);
  s.ops.list(inbox_).in_group(all);
  return s;
}

step session::peek(std::int64_t from, std::int64_t max) const {
  step s{{}, looked};
  s.ops.list(inbox_, from).limit(max).in_group(all);
  s.ops.list(taken_).in_group(all);
  s.ops.check(ended_).in_group(all);
  return s;
}

step session::count() const {
  step s{{}, counted};
  s.ops.length(inbox_).in_group(all);
  s.ops.length(taken_).in_group(all);
  s.ops.check(ended_).in_group(all);
  return s;
}

step session::find(std::string_view id) const {
  step s = peek(0, 0);
  s.read = found;
  s.ops.get(item(id)).in_group(all);
  return s;
}

}  // namespace postbus::steering_plugin
