#include "store_steps.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace postbus::dedup_plugin {
namespace {

template <std::size_t N>
postbus_bytes digits(std::array<char, N>& to, std::int64_t number, std::size_t from = 0) {
  const char* end = std::to_chars(to.data() + from, to.data() + N, number).ptr;
  return sdk::bytes(std::string_view(to.data(), static_cast<std::size_t>(end - to.data())));
}

bool read_number(std::string_view text, std::int64_t& to) {
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), to);
  return fault == std::errc{} && end == text.data() + text.size();
}

}  // namespace

void store_steps::take(std::vector<request>& all, const times& t) {
  requests_.swap(all);
  texts_.resize(requests_.size());
  ops_.clear();
  for (std::size_t i = 0; i < requests_.size(); ++i) add(requests_[i], texts_[i], t);
}

void store_steps::add(const request& r, text& t, const times& at) {
  postbus_op op{};
  op.key = sdk::str(r.whose->key);
  op.expect = digits(t.token, r.token);
  op.flags = POSTBUS_IF_EQUAL;
  switch (r.what) {
    case step::take:
      op.kind = POSTBUS_SET;
      op.flags = POSTBUS_IF_ABSENT;
      op.value = std::exchange(op.expect, {});
      op.ttl_ns = at.lease_ns;
      break;
    case step::mark:
      op.kind = POSTBUS_ADD;
      op.number = 1;
      break;
    case step::renew:
      op.kind = POSTBUS_EXPIRE;
      op.ttl_ns = at.lease_ns;
      break;
    case step::finish:  // also where the claim has lapsed, and nobody took the key since
      op.kind = POSTBUS_SET;
      op.flags |= POSTBUS_IF_ABSENT;
      std::copy(done_prefix.begin(), done_prefix.end(), t.done.begin());
      op.value = digits(t.done, at.wall_ns + at.window_ns, done_prefix.size());
      op.ttl_ns = at.window_ns;
      break;
    case step::release:
      op.kind = POSTBUS_ERASE;
      break;
  }
  // Groups are told apart by their number where they are neighbours.
  op.group = r.tells ? static_cast<std::uint32_t>(ops_.size() + 1) : 0;
  ops_.push_back(op);
  if (!r.tells) return;
  postbus_op note{};
  note.kind = POSTBUS_NOTIFY;
  note.key = op.key;
  note.group = op.group;
  ops_.push_back(note);
}

reply store_steps::read(const request& r, const postbus_op_result& result) {
  using said = reply::kind;
  if (result.status == POSTBUS_OK) return {said::ok};
  if (result.status == POSTBUS_E_INVALID) return {said::wrong};
  if (result.status != POSTBUS_E_CONFLICT) return {said::failed};
  if (result.value_count == 0) return {r.what == step::take ? said::wrong : said::nothing};
  std::string_view there = sdk::view(result.values[0]);
  reply a;
  if (read_number(there, a.token)) return a.what = said::taken, a;
  a.what = said::wrong;
  if (!there.starts_with(done_prefix)) return a;
  there.remove_prefix(done_prefix.size());
  if (read_number(there, a.until_ns)) a.what = said::done;
  return a;
}

std::size_t store_steps::bytes_of_done(const request& r) const noexcept {
  constexpr std::size_t ns_since_1970 = 19;
  return r.whose->key.size() + done_prefix.size() + ns_since_1970;
}

}  // namespace postbus::dedup_plugin
