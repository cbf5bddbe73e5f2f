#include "book.hpp"

namespace postbus::brake_plugin {

finding book::judge(std::string_view name, const record& r) const {
  const known* const k = find(name);
  const bool pauses = r.has_state && blocks(r.phase);
  const bool is_older = k != nullptr && r.epoch < k->epoch;
  if (k != nullptr && k->is_blocked && k->epoch > 0 && (!r.has_state || is_older)) return finding::lost;
  if (r.has_flag && (!pauses || is_older)) return finding::foreign_pause;
  if (!r.has_flag && pauses) return finding::foreign_resume;
  if (k == nullptr) return pauses || r.phase == phase::resuming ? finding::news : finding::nothing;
  if (is_older) return finding::nothing;  // a resume that the store forgot: it runs anyway
  return k->epoch == r.epoch && k->phase == r.phase && k->is_blocked == pauses ? finding::nothing
                                                                               : finding::news;
}

book::effect book::learn(std::string_view name, std::int64_t epoch, phase p, std::int64_t now_ns) {
  const known* const before = find(name);
  if (before == nullptr && p == phase::running) return effect::none;
  known& k = at(name, now_ns);
  if (epoch < k.epoch || (epoch == k.epoch && p == k.phase && k.is_blocked == blocks(p))) return effect::none;
  if (epoch != k.epoch) k.since_ns = now_ns;
  k.epoch = epoch;
  k.phase = p;
  const effect e = set(k, blocks(p));
  if (p == phase::running) all_.erase(all_.find(name));
  return e;
}

book::effect book::block(std::string_view name, std::int64_t now_ns) {
  return set(at(name, now_ns), true) == effect::blocked ? effect::blocked : effect::none;
}

book::effect book::set(known& k, bool blocked) {
  if (k.is_blocked == blocked) return effect::moved;
  k.is_blocked = blocked;
  blocked ? ++blocked_ : --blocked_;
  std::atomic<std::uint32_t>& seen = k.of.kind == scope::key ? keys_[slot_of(k.of.value)] : broad_;
  blocked ? seen.fetch_add(1, std::memory_order_release) : seen.fetch_sub(1, std::memory_order_release);
  if (k.of.kind == scope::all) all_blocked_ = blocked;
  if (k.of.kind == scope::pattern) {
    if (blocked) patterns_.emplace(k.of.name(), k.of.value);
    else patterns_.erase(k.of.name());
  }
  return blocked ? effect::blocked : effect::released;
}

bool book::is_blocked(std::string_view item_key, std::string_view topic) const {
  if (blocked_ == 0) return false;
  if (all_blocked_) return true;
  if (const known* k = item_key.empty() ? nullptr : find(item_key); k != nullptr && k->is_blocked)
    return true;
  for (const auto& [name, pattern] : patterns_)
    if (sdk::matches(pattern, topic)) return true;
  return false;
}

std::vector<std::string> book::blocking(std::string_view item_key, std::string_view topic) const {
  std::vector<std::string> names;
  if (blocked_ == 0) return names;
  if (const known* k = item_key.empty() ? nullptr : find(item_key); k != nullptr && k->is_blocked)
    names.emplace_back(item_key);
  if (all_blocked_) names.emplace_back("*");
  for (const auto& [name, pattern] : patterns_)
    if (sdk::matches(pattern, topic)) names.push_back(name);
  return names;
}

const known* book::find(std::string_view name) const {
  const auto found = all_.find(name);
  return found == all_.end() ? nullptr : &found->second;
}
known* book::find(std::string_view name) { return const_cast<known*>(std::as_const(*this).find(name)); }

known& book::at(std::string_view name, std::int64_t now_ns) {
  const auto found = all_.find(name);
  if (found != all_.end()) return found->second;
  known k;
  k.of = scope::named(name);
  k.since_ns = now_ns;
  return all_.emplace(std::string(name), std::move(k)).first->second;
}

}  // namespace postbus::brake_plugin
