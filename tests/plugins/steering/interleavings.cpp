// Two buses with one store: who pushes, who works, who crashes and who comes back, in interleavings that are drawn from a seed. Books are
// kept of every message: none is lost, none is hidden by one that came later, all keep their order.
#include "support/bus.hpp"
#include "support/seeds.hpp"

#include <postbus/steering.hpp>
#include <postbus/testing/manual_clock.hpp>

#include <array>
#include <map>
#include <random>

namespace {

using namespace postbus;
using namespace std::chrono_literals;

constexpr const char* sessions[] = {"s0", "s1"};
constexpr int pushers = 4, messages = 30;

enum kind { pushes, taken_again, crashes, lost_answers, overtaken, ended, late, aborts, given, kinds };
constexpr const char* kind_names[kinds] = {"pushes", "given again", "crashes", "answers lost", "overtaken",
                                           "ends",   "late",        "aborts",  "given"};

// What is known of one message. Times are steps of the world: each start and each answer is one.
struct entry {
  std::string session;
  int pusher = 0, number = 0;
  bool front = false, is_abort = false;
  std::uint64_t begun = 0, answered = 0, first_given = 0, last_asked = 0, confirmed = 0;
};

// A worker of a session: its inbox, and what it had last.
struct worker {
  steering inbox;
  std::string session;
  std::vector<std::string> batch;
  bool is_gone = false;
};

class world {
 public:
  world(std::uint64_t seed, bool tells) : clock(seed), random_(seed), tells_(tells) {
    clock.explore();
    const std::string instance = "steering-" + std::to_string(seed),
                      answers = one_in(2) ? "later" : "at-once";
    for (auto& b : buses_)
      b = std::make_unique<bus>(tests::config_for("memory")
                                    .feature("steering")
                                    .set("transport.instance", instance)
                                    .set("store.plugin", "memory-store")
                                    .set("store.instance", instance)
                                    .set("store.answers", answers)
                                    .set("store.wrappers", "[\"faults-store\"]")
                                    .set("plugin.faults-store.seed", std::to_string(seed))
                                    .clock(clock));
  }

  void run() {
    set_faults(R"({"fail": 0.03, "unknown": 0.03})");
    for (int p = 0; p < pushers; ++p) later([this, p] { push_next(p, 1); });
    for (const char* s : sessions) hire(s);
    for (int n = 0; n < 200 && done_ < pushers; ++n) clock.advance(1ms);
    is_over_ = true;
    clock.advance(5ms);
    set_faults(R"({"fail": 0, "unknown": 0})");
    if (open_ != 0 || done_ != pushers) complain("the run does not come to its end");
    for (auto& w : workers_) w->is_gone = true;
    for (const char* s : sessions) drain(s);
    audit();
    for (auto& b : buses_) b->close();
    if (clock.pending_timers() != 0) complain("timers are pending at the end");
  }

  testing::manual_clock clock;
  std::vector<std::string> complaints;
  std::array<std::uint64_t, kinds> seen{};

 private:
  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }
  bus& any_bus() { return *buses_[below(2)]; }
  void complain(std::string what) {
    tell("COMPLAINT: " + what);
    complaints.push_back(std::move(what));
  }
  void tell(const std::string& what) const {
    if (tells_) std::printf("%9.3f ms  %s\n", static_cast<double>(clock.now_ns()) / 1e6, what.c_str());
  }
  void set_faults(std::string_view json) {
    for (auto& b : buses_) b->call("faults-store.set", json);
  }
  // f() after a while.
  void later(std::function<void()> f) {
    const auto due = [](void* ctx, std::int32_t, const void*, const postbus_error*) {
      const std::unique_ptr<std::function<void()>> mine(static_cast<std::function<void()>*>(ctx));
      (*mine)();
    };
    clock.timer(static_cast<std::int64_t>(below(1'000'000)), {due, new std::function<void()>(std::move(f))});
  }

  // ---- who pushes: one after the other, each until it is answered
  void push_next(int pusher, int number) {
    if (number > messages) return void(++done_);
    entry e;
    e.session = sessions[below(2)];
    e.pusher = pusher;
    e.number = number;
    e.is_abort = one_in(30);
    e.front = !e.is_abort && one_in(20);
    e.begun = ++step_;
    const std::string id = std::to_string(pusher) + "-" + std::to_string(number);
    books_[id] = e;
    ++seen[e.is_abort ? aborts : pushes];
    push(id);
  }
  void push(const std::string& id) {
    const entry& e = books_[id];
    auto desk = std::make_shared<steering>(any_bus(), e.session);
    const std::uint64_t begun = ++step_;
    tell("push " + id + " to " + e.session + (e.is_abort ? ", an abort" : e.front ? ", in front" : ""));
    ++open_;
    desk->async_push(e.is_abort ? "stop" : id, {.id = id, .front = e.front},
                     [this, desk, id, begun](error_code ec, const steering::receipt& r) {
                       --open_;
                       tell("push " + id + ": " + (ec ? ec.message() : r.status));
                       if (ec == error::unavailable || ec == error::outcome_unknown)
                         return later([this, id] { push(id); });
                       entry& mine = books_[id];
                       if (ec) complain("the push of " + id + " fails: " + ec.message());
                       mine.answered = ++step_;
                       check_lateness(mine, begun, r.status);
                       later([this, next = mine] { push_next(next.pusher, next.number + 1); });
                     });
  }
  // Where nobody ended or took meanwhile, it is clear what a push has to be.
  void check_lateness(const entry& e, std::uint64_t begun, std::string_view status) {
    seen[late] += status == "late";
    const auto& s = states_[e.session];
    if (!s.is_known || s.changing != 0 || s.changed > begun || e.begun + 1 != begun)
      return;  // its first try may have been done
    if (status != "accepted" && status != "late") return complain("a push is " + std::string(status));
    if ((status == "late") != s.ended)
      complain("a push is " + std::string(status) + " in a session that " +
               (s.ended ? "has ended" : "goes on"));
  }

  // ---- who works
  void hire(const std::string& session) {
    if (is_over_) return;
    workers_.push_back(std::make_unique<worker>(worker{steering(any_bus(), session), session, {}, false}));
    later([this, w = workers_.back().get()] { work(*w); });
  }
  void work(worker& w) {
    if (w.is_gone || is_over_) return;
    const std::uint64_t what = below(10);
    if (what == 0) return crash(w, false);
    if (what == 1) return confirm(w);
    if (what == 2) return end(w);
    const auto answered = [this, &w, asked = begin(w)](error_code ec, std::vector<steering::message> all) {
      changed(w, ec, false);
      if (w.is_gone && !one_in(2))
        return;  // its answer is lost with it; or it is slow, and does not know yet
      take_in(w, ec, all, asked);
    };
    if (one_in(2)) w.inbox.async_take_all(answered);
    else
      w.inbox.async_take([answered](error_code ec, const std::optional<steering::message>& one) {
        answered(ec, one ? std::vector{*one} : std::vector<steering::message>{});
      });
    if (one_in(10)) crash(w, true);
  }
  // Somebody else takes its place; one that was only slow comes back.
  void crash(worker& w, bool is_asking) {
    tell("the worker of " + w.session + " crashes");
    ++seen[is_asking ? lost_answers : crashes];
    w.is_gone = true;
    hire(w.session);
    if (!is_asking && one_in(2)) later([this, &w] { haunt(w); });
  }
  void haunt(worker& w) {
    if (is_over_) return;
    w.inbox.async_take_all(
        [this, &w, asked = begin(w)](error_code ec, const std::vector<steering::message>& all) {
          changed(w, ec, false);
          take_in(w, ec, all, asked);
        });
  }
  void take_in(worker& w, error_code ec, const std::vector<steering::message>& all, std::uint64_t asked) {
    if (ec == error::lease_lost) ++seen[overtaken];
    if (!ec) confirmed(w);
    w.batch.clear();
    if (!ec) note_given(w, all, asked);
    if (w.is_gone) return;
    if (ec == error::lease_lost) return crash(w, false);
    later([this, &w] { work(w); });
  }
  void confirm(worker& w) {
    ++open_;
    w.inbox.async_confirm([this, &w](error_code ec) {
      --open_;
      take_in(w, ec, {}, 0);
    });
  }
  void end(worker& w) {
    ++seen[ended];
    begin(w);
    w.inbox.async_end([this, &w](error_code ec) {
      changed(w, ec, true);
      take_in(w, ec, {}, 0);
    });
  }

  // A session is ended by an end and opened by a take. While one is under way, when it may or may not have been done, and after two at
  // a time, nobody knows.
  struct state {
    int changing = 0;
    std::uint64_t changed = 0;
    bool ended = false, is_known = true, overlaps = false;
  };
  std::uint64_t begin(worker& w) {
    ++open_;
    state& s = states_[w.session];
    s.overlaps = s.changing++ > 0 || s.overlaps;
    return s.changed = ++step_;
  }
  void changed(worker& w, error_code ec, bool is_end) {
    --open_;
    state& s = states_[w.session];
    s.changed = ++step_;
    if (!ec) s.ended = is_end, s.is_known = true;
    if (s.overlaps || ec == error::outcome_unknown) s.is_known = false;
    if (--s.changing == 0) s.overlaps = false;
  }

  void confirmed(worker& w) {
    for (const std::string& id : w.batch) {
      tell("confirmed " + id);
      books_[id].confirmed = ++step_;
    }
  }
  void note_given(worker& w, const std::vector<steering::message>& all, std::uint64_t asked) {
    std::map<int, int> last;
    bool is_first = true;
    for (const steering::message& m : all) {
      entry& e = books_[m.id];
      tell("given " + m.id + " of " + w.session + (m.again ? ", again" : ""));
      ++seen[given];
      seen[taken_again] += m.again;
      if (e.confirmed != 0) complain(m.id + " is given again after it was confirmed");
      if (e.session != w.session) complain(m.id + " is given to another session");
      if (m.again && !is_first) complain(m.id + " was given before, and stands behind one that was not");
      is_first = is_first && m.again;
      if (!e.front && last[e.pusher] > e.number) complain(m.id + " overtook one of its batch");
      if (!e.front) last[e.pusher] = e.number;
      if (e.first_given == 0) e.first_given = ++step_;
      e.last_asked = asked;
      w.batch.push_back(m.id);
    }
  }

  // ---- the end: what is left is taken, and then every message has to have been somewhere
  void drain(const std::string& session) {
    workers_.push_back(std::make_unique<worker>(worker{steering(any_bus(), session), session, {}, false}));
    worker& w = *workers_.back();
    for (int n = 0; n < 3; ++n) {
      const auto all = w.inbox.take_all();
      confirmed(w);
      w.batch.clear();
      note_given(w, all, ++step_);
    }
    if (w.inbox.count().queued + w.inbox.count().taken != 0) complain("something is left in " + session);
  }
  // It may have been dropped by an abort that was answered after it began; it must have been by one that began after it was answered.
  void audit() {
    for (const auto& [id, e] : books_) {
      if (e.answered == 0) complain(id + " was never answered");
      bool may_be_dropped = e.is_abort;  // one that comes after the end is not kept
      for (const auto& [other_id, other] : books_) {
        if (!other.is_abort || other.session != e.session || &other == &e) continue;
        if (other.answered > e.begun) may_be_dropped = true;
        if (other.begun > e.answered && e.last_asked > other.answered)
          complain(id + " is given after the abort " + other_id);
      }
      if (e.first_given == 0 && !may_be_dropped) complain(id + " is lost");
      for (const auto& [other_id, other] : books_)
        if (!e.front && !other.front && other.session == e.session && other.pusher == e.pusher &&
            other.number > e.number && other.first_given != 0 && e.first_given > other.first_given)
          complain(other_id + " overtook " + id);
    }
  }

  std::mt19937_64 random_;
  const bool tells_;
  std::array<std::unique_ptr<bus>, 2> buses_;
  std::vector<std::unique_ptr<worker>> workers_;
  std::map<std::string, entry> books_;
  std::map<std::string, state> states_;
  std::uint64_t step_ = 0;
  int open_ = 0, done_ = 0;
  bool is_over_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  return tests::play_seeds(argc, argv, [](std::uint64_t seed, bool tells) {
    world w(seed, tells);
    w.run();
    tests::played p{w.clock.schedule_hash(), w.complaints, {}};
    for (std::size_t k = 0; k < kinds; ++k) p.seen.emplace_back(kind_names[k], w.seen[k]);
    return p;
  });
}
