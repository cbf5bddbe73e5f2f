#include "steering.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <cstdio>

namespace postbus::steering_plugin {
namespace {

std::vector<std::string> words_in(std::string_view config) {
  std::vector<std::string> words;
  const json::value all = json::parse(config);
  for (const json::value& w : all.at("abort_words").as_array())
    words.emplace_back(std::string_view(w.get_string()));
  return words;
}

}  // namespace

steering::steering(sdk::context& ctx)
    : ctx_(ctx),
      store_(ctx),
      most_{ctx.integer("queue_max"), ctx.duration("ttl")},
      words_(words_in(ctx.config())),
      interrupts_(ctx.boolean("interrupt")),
      capture_(ctx.text("capture")),
      malformed_(
          ctx.metric(POSTBUS_COUNTER, "malformed_total", "Items of other programs that are no such JSON.")),
      receipts_(ctx, store_, most_.ttl),
      stops_(ctx, store_, words_, most_) {}

void steering::call(std::string_view method, std::string_view json, answer&& done) {
  using handler = void (steering::*)(const arguments&, answer&);
  static constexpr std::pair<std::string_view, handler> methods[] = {
      {"push", &steering::push},       {"abort", &steering::abort},      {"event", &steering::event},
      {"take", &steering::take},       {"confirm", &steering::confirm},  {"end", &steering::end},
      {"clear", &steering::clear},     {"peek", &steering::peek},        {"count", &steering::count},
      {"receipt", &steering::receipt}, {"sessions", &steering::sessions}};
  for (const auto& [name, f] : methods)
    if (name == method) return (this->*f)(arguments(json), done);
  done.fail(POSTBUS_E_UNSUPPORTED, "steering has no such method");
}

std::string steering::random_name() const {
  char text[33];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(ctx_.random()),
                static_cast<unsigned long long>(ctx_.random()));
  return text;
}

// ---- the worker

void steering::tell_of_batch(const session& s, const std::vector<std::string>& stored) const {
  const items batch = read_items(stored, words_);
  const std::size_t first = first_that_counts(batch);
  receipts_.dropped(s, ids_of(batch, 0, first));
  receipts_.seen(s, ids_of(batch, first, batch.size()));
}

void steering::take(const arguments& a, answer& done) {
  a.allow({"session", "batch", "max"});
  session s = session_of(a);
  const std::string next = random_name();
  step get = s.take(a.text("batch"), next, a.count("max", 0));
  run(std::move(get), std::move(done), [this, s = std::move(s), next](const result& r, answer& to) {
    const items batch = read_items(r.given, words_);
    const std::size_t first = first_that_counts(batch);
    if (first < batch.size() && batch[first].is_abort && batch[first].id.empty()) {
      sdk::store_ops ops;
      ops.notify(s.inbox(), "stop");
      store_.execute(std::move(ops), [](const sdk::store_answer&) {});  // its worker knows now anyway
    }
    json::array given = shown({batch.begin() + static_cast<std::ptrdiff_t>(first), batch.end()});
    const std::size_t again = r.again > first ? r.again - first : 0;
    to.ok(json::serialize(
        json::object{{"batch", next}, {"items", std::move(given)}, {"again", again}, {"queued", r.queued}}));
    tell_of_batch(s, r.before);
  });
}

void steering::confirm(const arguments& a, answer& done) {
  a.allow({"session", "batch"});
  session s = session_of(a);
  const std::string batch = a.required_text("batch");
  if (batch.empty()) return done.ok(R"({"confirmed":0})");  // of who took nothing yet
  step know = s.confirm(batch);
  run(std::move(know), std::move(done), [this, s = std::move(s)](const result& r, answer& to) {
    to.ok(json::serialize(json::object{{"confirmed", r.before.size()}}));
    tell_of_batch(s, r.before);
  });
}

void steering::end(const arguments& a, answer& done) {
  a.allow({"session", "batch"});
  session s = session_of(a);
  step over = s.end(a.text("batch"));
  run(std::move(over), std::move(done), [this, s = std::move(s)](const result& r, answer& to) {
    to.ok(json::serialize(json::object{{"confirmed", r.before.size()}, {"late", r.given.size()}}));
    tell_of_batch(s, r.before);
    receipts_.late(s, ids_of(read_items(r.given, words_), 0, r.given.size()));
  });
}

// ---- who looks

json::array steering::shown(const items& all) const {
  json::array list;
  for (const item& i : all) {
    if (i.is_malformed) {
      ctx_.add(malformed_);
      ctx_.log(POSTBUS_LOG_WARN,
               "an item in an inbox is no JSON object with a \"text\"; it is handed on as it is");
    }
    list.push_back(i.body);
  }
  return list;
}

void steering::peek(const arguments& a, answer& done) {
  a.allow({"session", "from", "max"});
  step look = session_of(a).peek(a.count("from", 0), a.count("max", 100));
  run(std::move(look), std::move(done), [this](const result& r, answer& to) {
    to.ok(json::serialize(json::object{{"queued", r.queued},
                                       {"ended", r.ended},
                                       {"items", shown(read_items(r.given, words_))},
                                       {"taken", shown(read_items(r.before, words_))}}));
  });
}

void steering::count(const arguments& a, answer& done) {
  a.allow({"session"});
  run(session_of(a).count(), std::move(done), [](const result& r, answer& to) {
    to.ok(json::serialize(json::object{{"queued", r.queued}, {"taken", r.taken}, {"ended", r.ended}}));
  });
}

void steering::receipt(const arguments& a, answer& done) {
  a.allow({"session", "id"});
  const std::string id = a.required_text("id");
  run(session_of(a).find(id), std::move(done), [this, id](const result& r, answer& to) {
    const auto is_in = [&](const std::vector<std::string>& stored) {
      const auto ids = ids_of(read_items(stored, words_), 0, stored.size());
      return std::find(ids.begin(), ids.end(), id) != ids.end();
    };
    std::string status = r.why;
    if (is_in(r.before)) status = "accepted";
    else if (is_in(r.given)) status = r.ended ? "late" : "accepted";
    else if (status.empty() || status == "accepted") status = "unknown";
    to.ok(json::serialize(json::object{{"id", id}, {"status", status}}));
  });
}

void steering::sessions(const arguments& a, answer& done) {
  a.allow({"after"});
  sdk::store_ops ops;
  ops.scan("steering:", a.text("after"), 1000);
  store_.execute(std::move(ops), [done = std::move(done)](const sdk::store_answer& seen) mutable {
    if (!seen.ok())
      return done.fail(seen.status() != POSTBUS_OK ? seen.status() : seen[0].status, seen.message());
    json::array names;
    for (std::size_t i = 1; i < seen[0].values.size(); ++i)
      names.push_back(json::string(seen[0].value(i).substr(9)));
    json::object all{{"sessions", std::move(names)}};
    if (!seen[0].value().empty()) all["after"] = seen[0].value();
    done.ok(json::serialize(all));
  });
}

}  // namespace postbus::steering_plugin
