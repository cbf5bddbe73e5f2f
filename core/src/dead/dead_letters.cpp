#include "dead_letters.hpp"

#include "engine/engine.hpp"
#include "event/codec_msgpack.hpp"
#include "plugins/store_access.hpp"

#include <charconv>

namespace postbus::detail {
namespace {

constexpr std::int64_t page_max = 64;
constexpr std::string_view boxes_key = "{postbus:dead}:boxes";

std::string events_key(std::string_view box) { return "{postbus:dead}:events:" + std::string(box); }
std::string times_key(std::string_view box) { return "{postbus:dead}:times:" + std::string(box); }

std::int64_t number_of(std::string_view text) noexcept {
  std::int64_t n = 0;
  std::from_chars(text.data(), text.data() + text.size(), n);
  return n;
}

event_record* read(std::string_view bytes, id_source& ids) {
  auto* copy = new std::string(bytes);
  const postbus_owned wire{sdk::bytes(*copy), [](void* ctx) { delete static_cast<std::string*>(ctx); }, copy};
  std::string why;
  event_record* event = decode_msgpack(wire, ids, why);
  if (event == nullptr) delete copy;
  return event;
}

}  // namespace

bool dead_letters::has_store() const noexcept { return owner_.store != nullptr; }

void dead_letters::keep(std::string_view box, const postbus_event& event, std::int64_t now_ns,
                        answered done) {
  std::string bytes;
  encode_msgpack(event, bytes);
  const std::string entry = entry_of(event);
  sdk::store_ops ops;
  ops.hash_set(boxes_key, box, "").in_group(1);
  ops.hash_set(events_key(box), entry, bytes).in_group(1);
  ops.zset_put(times_key(box), entry, now_ns).in_group(1);
  execute_on_store(owner_, std::move(ops), std::move(done));
}

void dead_letters::erase(std::string_view box, std::span<const letter> letters,
                         std::function<void(std::string)> done) {
  sdk::store_ops ops;
  std::uint32_t group = 0;
  for (const letter& l : letters) {
    ++group;
    ops.zset_erase(times_key(box), l.entry).if_equal(std::to_string(l.time_ns)).in_group(group);
    ops.hash_erase(events_key(box), l.entry).in_group(group);
  }
  execute_on_store(owner_, std::move(ops), [done = std::move(done)](const sdk::store_answer& a) {
    for (std::size_t i = 0; i < a.size(); ++i)
      if (const auto status = a[i].status;
          status != POSTBUS_OK && status != POSTBUS_E_CONFLICT && status != POSTBUS_E_CANCELLED)
        return done(fault_of(a));
    done(a.status() == POSTBUS_OK ? std::string() : fault_of(a));
  });
}

void dead_letters::boxes(
    std::function<void(std::vector<std::pair<std::string, std::uint64_t>>, std::string fault)> done) {
  sdk::store_ops ops;
  ops.hash_all(boxes_key);
  execute_on_store(owner_, std::move(ops), [this, done = std::move(done)](const sdk::store_answer& a) {
    if (!a.ok()) return done({}, fault_of(a));
    std::vector<std::pair<std::string, std::uint64_t>> all;
    for (std::size_t i = 0; i + 1 < a[0].values.size(); i += 2) all.emplace_back(a[0].value(i), 0);
    if (all.empty()) return done({}, {});
    sdk::store_ops counts;
    for (const auto& [box, n] : all) counts.zset_count(times_key(box), INT64_MIN);
    execute_on_store(owner_, std::move(counts), [done, all](const sdk::store_answer& counted) mutable {
      if (!counted.ok()) return done({}, fault_of(counted));
      for (std::size_t i = 0; i < all.size(); ++i)
        all[i].second = static_cast<std::uint64_t>(counted[i].number);
      std::erase_if(all, [](const auto& box) { return box.second == 0; });
      std::sort(all.begin(), all.end());
      done(std::move(all), {});
    });
  });
}

void dead_letters::list(std::string_view box, const cursor& behind, std::function<void(page)> done) {
  sdk::store_ops ops;
  // Those of one moment may have been shown in part: enough is asked for that others are among them.
  const std::int64_t asked = page_max * (behind.entry.empty() ? 1 : 16);
  ops.zset_range(times_key(box), behind.entry.empty() ? INT64_MIN : behind.time_ns).limit(asked);
  execute_on_store(
      owner_, std::move(ops),
      [this, box = std::string(box), behind, asked, done = std::move(done)](const sdk::store_answer& a) {
        page p;
        if (!a.ok()) return p.fault = fault_of(a), done(std::move(p));
        const auto n = static_cast<std::int64_t>(a[0].values.size() / 2);
        sdk::store_ops gets;
        for (std::size_t i = 0; i + 1 < a[0].values.size(); i += 2) {
          letter l;
          l.entry = a[0].value(i);
          l.time_ns = number_of(a[0].value(i + 1));
          if (l.time_ns == behind.time_ns && l.entry <= behind.entry && !behind.entry.empty()) continue;
          if (p.letters.size() == static_cast<std::size_t>(page_max)) break;
          gets.get(events_key(box), l.entry);
          p.letters.push_back(std::move(l));
        }
        const bool more = n == asked || p.letters.size() == static_cast<std::size_t>(page_max);
        if (more && !p.letters.empty()) p.next = cursor{p.letters.back().time_ns, p.letters.back().entry};
        if (p.letters.empty()) return done(std::move(p));
        const auto shared = std::make_shared<page>(std::move(p));
        execute_on_store(owner_, std::move(gets), [this, shared, done](const sdk::store_answer& got) {
          if (got.status() != POSTBUS_OK) return shared->fault = fault_of(got), done(std::move(*shared));
          for (std::size_t i = 0; i < shared->letters.size(); ++i)
            if (!got[i].values.empty()) shared->letters[i].event = read(got[i].value(), *owner_.rt);
          done(std::move(*shared));
        });
      });
}

void dead_letters::find(std::string_view box, std::string_view entry, std::function<void(page)> done) {
  const std::string full = std::string(owner_.source) + "/" + std::string(entry);
  sdk::store_ops ops;
  ops.get(events_key(box), entry);
  ops.get(events_key(box), full);
  ops.get(times_key(box)).member(entry);
  ops.get(times_key(box)).member(full);
  execute_on_store(
      owner_, std::move(ops),
      [this, entry = std::string(entry), full, done = std::move(done)](const sdk::store_answer& a) {
        page p;
        if (a.status() != POSTBUS_OK) return p.fault = fault_of(a), done(std::move(p));
        for (const std::size_t i : {0u, 1u}) {
          if (a[i].values.empty()) continue;
          letter l;
          l.entry = i == 0 ? entry : full;
          l.time_ns = number_of(a[i + 2].value());
          l.event = read(a[i].value(), *owner_.rt);
          p.letters.push_back(std::move(l));
          break;
        }
        done(std::move(p));
      });
}

}  // namespace postbus::detail
