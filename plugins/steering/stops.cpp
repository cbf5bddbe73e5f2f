#include "stops.hpp"

#include <algorithm>
#include <set>

namespace postbus::steering_plugin {
namespace {

constexpr std::string_view prefix = "steering:";

}  // namespace

stops::stops(sdk::context& ctx, sdk::store_client& store, const abort_words& words, const limits& most)
    : ctx_(ctx),
      store_(store),
      words_(words),
      most_(most),
      capture_(ctx.text("capture")),
      inflight_(ctx.service<postbus_inflight>("postbus.inflight/1", &inflight_self_)),
      asked_(ctx.metric(POSTBUS_COUNTER, "stop_requests_total", "Deliveries that were asked to stop.")) {
  if (inflight_ == nullptr) throw sdk::failure(POSTBUS_E_UNSUPPORTED, "this host has no postbus.inflight/1");
}

void stops::start(sdk::completion<>&& done) {
  if (!store_) return done.ok();  // there is nothing to steer with, as every call will say
  store_.watch(
      prefix, *this, [this, done = std::move(done)](std::int32_t status, std::uint64_t watch) mutable {
        if (status != POSTBUS_OK)
          return done.fail(status,
                           "found a store that does not tell of changes; wanted one with watches, for an "
                           "abort has to reach the process that runs the session");
        watch_ = watch;
        done.ok();
      });
}

void stops::stop(sdk::completion<>&& done) {
  if (watch_ == 0) return done.ok();
  store_.unwatch(watch_, [done = std::move(done)](std::int32_t) mutable { done.ok(); });
}

void stops::operator()(std::string_view key, std::string_view note) noexcept {
  sdk::detail::guarded(
      [&] {
        if (key.empty()) look_again();
        else if (note == "stop") request(std::string(key.substr(prefix.size())));
      },
      [this](std::int32_t, std::string_view what) { ctx_.log(POSTBUS_LOG_ERROR, what); });
}

void stops::request(const std::string& session) const {
  const postbus_pair where{sdk::str(capture_), sdk::str(session)};
  const std::size_t asked = inflight_->request_stop(inflight_self_, &where, 1, sdk::str("steering"));
  ctx_.add(asked_, static_cast<std::int64_t>(asked));
}

void stops::look_again() {
  struct found {
    const std::string& capture;
    std::set<std::string> sessions;
    bool is_complete = true;
    void add(std::string_view session) noexcept {
      sdk::detail::guarded([&] { sessions.emplace(session); },
                           [&](std::int32_t, std::string_view) { is_complete = false; });
    }
  } running{capture_, {}};
  inflight_->list(
      inflight_self_, nullptr, 0,
      [](void* to, const postbus_work* work) {
        auto& all = *static_cast<found*>(to);
        for (const postbus_pair& p : std::span(work->params, work->param_count))
          if (sdk::view(p.name) == all.capture) all.add(sdk::view(p.value));
      },
      &running);
  if (!running.is_complete) throw std::bad_alloc();
  for (const std::string& id : running.sessions) {
    step look = session(id, most_).peek(0, 0);
    store_.execute(std::move(look.ops), [this, id, read = look.read](const sdk::store_answer& a) {
      const items queued = read_items(read(a).given, words_);
      if (std::any_of(queued.begin(), queued.end(), [](const item& i) { return i.is_abort || i.interrupts; }))
        request(id);
    });
  }
}

}  // namespace postbus::steering_plugin
