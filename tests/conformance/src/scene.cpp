#include <postbus/conformance/row.hpp>
#include <postbus/conformance/scene.hpp>
#include <postbus/inspect.hpp>

#include <algorithm>
#include <filesystem>
#include <set>
#include <thread>

namespace postbus::conformance {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::nanoseconds wait_max = 60s, publish_max = 10s, moment = 500ms,
                                   idle_max = 100ms;  // of a bus whose deliveries may be held on purpose
constexpr std::chrono::nanoseconds step = 50ms;       // of virtual time

std::string place_of(const scene::where& at) {
  return " (" + std::filesystem::path(at.file_name()).filename().string() + ":" + std::to_string(at.line()) +
         ")";
}

}  // namespace

const char* to_string(verdict v) noexcept {
  return v == verdict::passed ? "passed" : v == verdict::failed ? "failed" : "skipped";
}

scene::scene(config base, bool in_virtual_time, std::chrono::nanoseconds patience)
    : base_(std::move(base)),
      clock_(in_virtual_time ? std::make_unique<testing::manual_clock>() : nullptr),
      patience_(patience) {}
scene::~scene() = default;

config scene::configuration(const settings& own) {
  config c = base_;
  for (const auto& [path, value] : own) c.set(path, value);
  if (clock_) c.clock(*clock_);
  return c;
}

bus& scene::open(const settings& own) {
  return *buses_.emplace_back(std::make_unique<bus>(configuration(own)));
}

bool scene::has_setting(std::string_view name) const {
  for (const settings_table& table : explain_settings(base_))
    for (const setting_info& s : table.settings)
      if (s.path == "transport." + std::string(name)) return true;
  return false;
}

bool scene::has_plugin(std::string_view id) const {
  const auto all = list_plugins(base_);
  return std::any_of(all.begin(), all.end(),
                     [&](const plugin_info& p) { return p.id == id && p.problem.empty(); });
}

bool scene::reach_each_other(bus& hears, bus& says, const where& at) {
  std::atomic<bool> heard{false};
  const auto sub = hears.subscribe("conformance:reach", [&](const delivery&) { heard = true; });
  publish(says, "conformance:reach", "", {}, at);
  fence(hears, at);
  for (const auto end = now() + moment; !heard && now() < end;) let_pass(1ms);
  return heard;
}

capability_info::how scene::supplied(std::string_view capability) const {
  for (const capability_info& c : explain_capabilities(base_))
    if (c.transport == "default" && c.capability == capability && c.supplied != capability_info::how::refused)
      return c.supplied;
  return capability_info::how::refused;
}

void scene::need_own(std::string_view capability) {
  if (supplied(capability) != capability_info::how::native)
    skip("the transport declares that it has no " + std::string(capability) + " of its own");
}

std::chrono::nanoseconds scene::now() const {
  if (clock_) return std::chrono::nanoseconds(clock_->now_ns());
  return std::chrono::steady_clock::now().time_since_epoch();
}

receipt scene::publish(bus& b, std::string_view topic, bytes_view data, publish_options options,
                       const where& at) {
  options.deadline = std::min({options.deadline, publish_max, patience_});
  error_code ec;
  receipt r = b.publish(topic, data, options, ec);
  require(!ec, "a publish on '" + std::string(topic) + "' is confirmed; it was answered: " + ec.message(),
          at);
  return r;
}

error_code scene::try_publish(bus& b, std::string_view topic, bytes_view data, publish_options options) {
  // On the virtual clock nothing makes room while it waits; in real time the answer itself takes its time.
  options.deadline = clock_ ? std::chrono::nanoseconds(0) : moment;
  error_code ec;
  b.publish(topic, data, options, ec);
  return ec;
}

bool scene::await(const std::function<bool()>& condition) {
  const auto end = now() + (clock_ ? wait_max : patience_);
  if (clock_) clock_->run_until_idle();
  while (!condition()) {
    if (now() >= end) return false;
    if (clock_) clock_->advance(step);
    else std::this_thread::yield();
  }
  return true;
}

void scene::wait_until(const std::function<bool()>& condition, std::string_view what, const where& at) {
  if (await(condition)) return;
  fail("waited until " + std::string(what) + ", which did not come about within " +
           (clock_ ? "a minute" : std::to_string(patience_ / 1ms) + " ms"),
       at);
  throw row_over();
}

// An event behind all others of this thread's. It shows that they arrived wherever the transport keeps an order at all.
void scene::fence(bus& b, const where& at) {
  const std::string topic = "conformance:fence:" + std::to_string(++fences_);
  std::atomic<bool> arrived{false};
  const auto s = b.subscribe(topic, [&](const delivery&) { arrived = true; });
  publish(b, topic, "", {}, at);
  wait_until([&] { return arrived.load(); }, "an event behind the others arrives", at);
}

void scene::settle_down(const where& at) {
  if (clock_) {
    clock_->run_until_idle();
    return;
  }
  // Twice: what arrived first may have made handlers publish, or given credit that brings more.
  for (int round = 0; round < 2; ++round)
    for (const auto& b : buses_) {
      if (!b->health().ready) continue;  // it is closed
      fence(*b, at);
      b->wait_until_idle(idle_max);
    }
}

std::string scene::call(bus& b, std::string_view method, std::string_view json, const where& at) {
  try {
    return b.call(method, json);
  } catch (const error& e) {
    fail("expected an answer to " + std::string(method) + "; saw: " + e.what(), at);
    throw row_over();
  }
}

void scene::let_pass(std::chrono::nanoseconds duration) {
  if (clock_) return clock_->advance(duration);
  for (const auto end = now() + duration; now() < end;) std::this_thread::yield();
}

void scene::pass(std::chrono::nanoseconds duration) {
  if (clock_) clock_->advance(duration);
}

void scene::fail(std::string sentence, const where& at) {
  const std::lock_guard lock(mutex_);
  failures_.push_back(std::move(sentence) + place_of(at));
}

void scene::expect(bool holds, std::string_view sentence, const where& at) {
  if (!holds) fail("expected that " + std::string(sentence), at);
}

void scene::require(bool holds, std::string_view sentence, const where& at) {
  if (holds) return;
  fail("expected that " + std::string(sentence), at);
  throw row_over();
}

void scene::skip(std::string why) { throw row_skipped{std::move(why)}; }

std::vector<std::string> numbers(std::size_t n) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < n; ++i) all.push_back(std::to_string(i));
  return all;
}

void expect_each_once(scene& s, const std::vector<std::string>& seen, std::size_t n, std::string_view what,
                      const scene::where& at) {
  const auto all = numbers(n);
  const std::multiset<std::string> got(seen.begin(), seen.end());
  std::size_t missing = 0, doubled = 0, strange = got.size();
  std::string first;
  for (const std::string& one : all) {
    const std::size_t times = got.count(one);
    strange -= times;
    if (times == 1) continue;
    if (first.empty()) first = "; the first of them: " + one;
    if (times == 0) ++missing;
    else doubled += times - 1;
  }
  if (missing + doubled + strange == 0) return;
  s.fail(std::string(what) + ": expected " + std::to_string(n) + " events, each once; saw " +
             std::to_string(seen.size()) + ", " + std::to_string(missing) + " missing, " +
             std::to_string(doubled) + " double, " + std::to_string(strange) + " of others" + first,
         at);
}

std::uint64_t ended(const delivery_counts& c) {
  std::uint64_t all = 0;
  for (const auto& [name, outcome] : delivery_outcomes) all += c.*outcome;
  return all;
}

}  // namespace postbus::conformance
