// What others ask dedup: figures, and to forget an event.
#include "dedup.hpp"
#include "names.hpp"

#include <boost/json.hpp>

namespace postbus::dedup_plugin {
namespace {

namespace json = boost::json;

[[noreturn]] void refuse(const std::string& found, const char* wanted) {
  throw sdk::failure(POSTBUS_E_INVALID, found + "; expected " + wanted);
}

json::object parse(std::string_view text) {
  json::error_code ec;
  json::value value = json::parse(text, ec);
  if (ec || !value.is_object())
    refuse("'" + std::string(text) + "'",
           R"(an object such as {"group": "workers", "pattern": "jobs:*", "source": "postbus", "id": "7"})");
  return std::move(value.get_object());
}

// What names one handled event.
struct name {
  std::string group, pattern, id, source, key;
  bool publish = false;
};

name read_name(std::string_view text) {
  name n;
  for (const auto& [field, value] : parse(text)) {
    const auto text_into = [&, f = std::string(field), v = &value](std::string& to) {
      if (!v->is_string() || v->get_string().empty())
        refuse(f + " = " + json::serialize(*v), "a text that is not empty");
      to = v->get_string();
    };
    if (field == "group") text_into(n.group);
    else if (field == "pattern") text_into(n.pattern);
    else if (field == "id") text_into(n.id);
    else if (field == "source") text_into(n.source);
    else if (field == "key") text_into(n.key);
    else if (field == "publish" && value.is_bool()) n.publish = value.get_bool();
    else
      refuse("'" + std::string(field) + "' = " + json::serialize(value),
             "group and pattern, or publish = true; with source and id, or key");
  }
  if (n.publish ? !n.group.empty() || !n.pattern.empty() : n.group.empty() || n.pattern.empty())
    refuse("group = '" + n.group + "', pattern = '" + n.pattern +
               "', publish = " + (n.publish ? "true" : "false"),
           "group and pattern, or publish = true alone: a subscription without a group forgets when it ends");
  if (n.key.empty() ? n.id.empty() || n.source.empty() : !n.id.empty() || !n.source.empty())
    refuse("source = '" + n.source + "', id = '" + n.id + "', key = '" + n.key + "'",
           "source and id; or, where plugin.dedup.key is set, key alone");
  return n;
}

}  // namespace

void dedup::call(std::string_view method, std::string_view text, sdk::completion<std::string_view>&& done) {
  if (method == "forget") return forget(text, std::move(done));
  done.ok(stats());
}

std::string dedup::stats() {
  const std::lock_guard lock(mutex_);
  const claim_counts& c = claims_.counts;
  const auto each = [](std::uint64_t bytes, std::uint64_t n) { return n == 0 ? 0 : (bytes + n / 2) / n; };
  return json::serialize(json::object{{"claimed", c.let_by},
                                      {"duplicates", c.duplicates},
                                      {"duplicates_known_here", c.known_here},
                                      {"parked", c.parked},
                                      {"taken_over", c.taken_over},
                                      {"released", c.released},
                                      {"lapsed", c.lapsed},
                                      {"unclaimed", c.unclaimed},
                                      {"without_key", without_key_},
                                      {"running", claims_.alive() - claims_.waiting()},
                                      {"waiting", claims_.waiting()},
                                      {"store_calls", all_calls_},
                                      {"store_failures", failures_},
                                      {"known_ids", claims_.done.size()},
                                      {"known_bytes", claims_.done.bytes()},
                                      {"bytes_per_known_id", each(claims_.done.bytes(), claims_.done.size())},
                                      {"done_ids", ids_},
                                      {"bytes_per_done_id", each(bytes_, ids_)}});
}

void dedup::forget(std::string_view text, sdk::completion<std::string_view>&& done) {
  const name n = read_name(text);
  std::string key;
  if (n.publish) names::of_publishes(key);
  else names::of_group(key, n.group, n.pattern);
  if (n.key.empty()) names::add_event(key, n.source, n.id);
  else names::add_key(key, n.key);
  sdk::store_ops look;
  look.get(key);
  store_.execute(std::move(look), [this, key, d = std::move(done)](const sdk::store_answer& found) mutable {
    if (found.status() != POSTBUS_OK) return d.fail(found.status(), found.message(), true);
    const std::string value(found[0].value());
    if (!value.starts_with(done_prefix)) return d.ok(R"({"forgotten":0})");
    sdk::store_ops ops;
    ops.erase(key).if_equal(value).in_group(1);
    ops.notify(key, forgotten).in_group(1);
    store_.execute(std::move(ops), [this, key, e = std::move(d)](const sdk::store_answer& a) mutable {
      if (a.status() != POSTBUS_OK) return e.fail(a.status(), a.message(), true);
      {
        const std::lock_guard lock(mutex_);
        claims_.done.erase(key);
      }
      e.ok(a.ok() ? R"({"forgotten":1})" : R"({"forgotten":0})");
    });
  });
}

// With the lock held: what happened since the metrics were told last.
void dedup::count() {
  const auto say = [&](std::uint32_t metric, std::uint64_t now, std::uint64_t& before) {
    if (now != before) ctx_.add(metric, static_cast<std::int64_t>(now - std::exchange(before, now)));
  };
  say(let_by_metric_, claims_.counts.let_by, counted_.let_by);
  say(duplicates_metric_, claims_.counts.duplicates, counted_.duplicates);
  say(unclaimed_metric_, claims_.counts.unclaimed, counted_.unclaimed);
  say(calls_metric_, all_calls_, counted_.store_calls);
  say(ids_metric_, claims_.done.size(), counted_.known_ids);
  say(bytes_metric_, claims_.done.bytes(), counted_.known_bytes);
}

}  // namespace postbus::dedup_plugin
