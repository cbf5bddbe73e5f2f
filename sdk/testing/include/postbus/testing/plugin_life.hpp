// plugin_life: one plugin under test from create() to destroy(), and the calls into it that are not answered yet. The base of
// fake_host, which says how it is used.
#pragma once

#include <postbus/testing/answer.hpp>
#include <postbus/testing/fake_services.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <type_traits>

namespace postbus::testing {

namespace detail {
struct own_clock {
  std::unique_ptr<manual_clock> mine = std::make_unique<manual_clock>();
};
}  // namespace detail

class plugin_life : private detail::own_clock, public fake_services {
 public:
  // The answer says what the plugin said when it refused its settings; it is there when this returns. Once.
  answer create(const postbus_module& module, std::string_view id, settings given = {}) {
    if (created_) throw std::logic_error("a fake_host is for one plugin");
    const postbus_plugin_desc& desc = find(module, id);
    created_ = true;
    id_ = id;
    settings_ = std::move(given);
    auto call = begin("create", false);
    postbus_error error = sdk::make_error(0, "");
    const std::string json = to_json(settings_);
    const std::int32_t status = desc.create(host(), sdk::str(json), &table_, &self_, &error);
    if (status != POSTBUS_OK) {
      table_ = nullptr;
      if (error.code != status || error.message[0] == '\0')
        faults_.add("create failed without an error that says so");
      if (events().held != 0 || pending_timers() != 0) faults_.add("create failed and left something behind");
    } else {
      check_table();
    }
    sdk::answer(call->done(), status, nullptr, status == POSTBUS_OK ? nullptr : &error);
    return answer(call);
  }
  answer start() {
    const postbus_plugin& p = step("start", phase::created, phase::started);
    return issue(
        "start", [&](postbus_done done) { p.start(self_, done); },
        [this](auto&, const void*) { metrics_fixed_ = true; });
  }
  // Cancels the plugin's timers first. When the answer comes, every other call is answered, and the plugin calls us no more.
  answer stop() {
    const postbus_plugin& p =
        step("stop", phase_ == phase::created ? phase_ : phase::started, phase::stopped);
    runtime_.cancel_timers();
    stop_ = std::make_unique<answer>(issue(
        "stop", [&](postbus_done done) { p.stop(self_, done); },
        [this](auto& stop, const void*) {
          faults_.forbid_calls("stop completed");
          for (const auto& call : calls())
            if (call.get() != &stop && !answer(call).ready())
              faults_.add(call->name + " was not answered before stop completed");
        }));
    return *stop_;
  }
  void destroy() {
    if (stop_ == nullptr || !stop_->ready()) throw std::logic_error("destroy comes after stop completed");
    table_->destroy(self_);
    faults_.forbid_calls("destroy");
    table_ = nullptr;
  }
  // For a plugin with threads: true when the answer came within `deadline` of real time.
  bool wait(const answer& a, std::chrono::nanoseconds deadline = std::chrono::seconds(10)) {
    for (const auto end = std::chrono::steady_clock::now() + deadline;
         !a.wait(std::chrono::milliseconds(1));) {
      clock_.run_until_idle();
      if (std::chrono::steady_clock::now() > end) return a.ready();
    }
    return true;
  }
  // POSTBUS_CAN_VIRTUAL_TIME …
  std::uint32_t flags() const { return alive().flags; }
  // The table of an interface, or nullptr.
  template <class Table>
  const Table* interface(const char* id) const {
    return static_cast<const Table*>(alive().interface(self_, id));
  }
  void* self() const noexcept { return self_; }

 protected:
  using reader = std::function<void(detail::pending_call&, const void* result)>;

  plugin_life() : fake_services(*mine) {}
  explicit plugin_life(manual_clock& shared) : own_clock{nullptr}, fake_services(shared) {}
  ~plugin_life() {
    finish();
    const auto broken = take_faults();
    if (broken.empty() || std::uncaught_exceptions() > exceptions_) return;
    for (const std::string& fault : broken)
      std::fprintf(stderr, "fake_host: plugin '%s': %s\n", id_.c_str(), fault.c_str());
    std::abort();
  }

  // Stops and destroys what is left; for the destructor of a class that adds members.
  void finish() noexcept {
    if (table_ == nullptr) return;
    if (stop_ == nullptr) stop();
    if ((table_->flags & POSTBUS_CAN_VIRTUAL_TIME) == 0) wait(*stop_);
    if (stop_->ready()) return destroy();
    faults_.add("stop was never answered");
    table_ = nullptr;
  }
  // The table of an interface that the running plugin must have, in at least this size.
  template <class Table>
  const Table& need(const char* id, std::size_t least) const {
    if (phase_ != phase::started)
      throw std::logic_error("the plugin does not run: call start() first, and stop() last");
    constexpr std::size_t at = std::is_same_v<Table, postbus_interceptor> ? 0
                               : std::is_same_v<Table, postbus_transport> ? 1
                               : std::is_same_v<Table, postbus_store>     ? 2
                                                                          : 3;
    const auto* table = static_cast<const Table*>(tables_[at]);
    if (table == nullptr || table->size < least)
      throw std::logic_error(std::string("the plugin has no ") + id);
    return *table;
  }

  // Calls f(done), and runs what it posted. `read` copies the result.
  template <class F>
  answer issue(const char* name, F&& f, reader read = {}) {
    auto call = begin(name);
    call->read = std::move(read);
    f(call->done());
    clock_.run_until_idle();
    return answer(call);
  }
  template <class F>
  answer issue_hot(const char* name, std::shared_ptr<void> borrowed, F&& f, reader read) {
    auto call = begin(name);
    call->borrowed = std::move(borrowed);
    call->read = std::move(read);
    {
      const fake_runtime::hot_call now(runtime_);
      f(call->done());
    }
    if (std::this_thread::get_id() == thread_) clock_.run_until_idle();
    return answer(call);
  }

 private:
  enum class phase { none, created, started, stopped };
  static constexpr std::array<const char*, 4> interfaces{
      // as need() counts them
      "postbus.interceptor/1", "postbus.transport/1", "postbus.store/1", "postbus.control/1"};

  static const postbus_plugin_desc& find(const postbus_module& module, std::string_view id) {
    if (module.magic != POSTBUS_MAGIC || module.abi_major != POSTBUS_ABI_MAJOR)
      throw std::logic_error("this is no module of this contract");
    for (std::size_t i = 0; i < module.plugin_count; ++i)
      if (module.plugins[i]->id == id) return *module.plugins[i];
    throw std::logic_error("the module has no plugin '" + std::string(id) + "'");
  }
  void check_table() {
    if (table_ == nullptr || !POSTBUS_CAN(table_, start) || !POSTBUS_CAN(table_, stop) ||
        !POSTBUS_CAN(table_, destroy) || !POSTBUS_CAN(table_, interface))
      throw std::logic_error("the plugin's table has no start, stop, destroy or interface");
    phase_ = phase::created;
    for (std::size_t i = 0; i < tables_.size(); ++i) tables_[i] = table_->interface(self_, interfaces[i]);
    if (table_->interface(self_, "postbus.nothing/1") != nullptr)
      faults_.add("interface() gives a table for what nobody knows");
  }
  const postbus_plugin& alive() const {
    if (table_ == nullptr)
      throw std::logic_error("there is no plugin: it was not created, refused to be, or was destroyed");
    return *table_;
  }
  const postbus_plugin& step(const char* name, phase from, phase to) {
    const postbus_plugin& p = alive();
    if (phase_ != from) throw std::logic_error(std::string(name) + " is out of order");
    phase_ = to;
    return p;
  }
  std::vector<std::shared_ptr<detail::pending_call>> calls() const {
    const std::lock_guard lock(calls_mutex_);
    return calls_;
  }
  std::shared_ptr<detail::pending_call> begin(const char* name, bool counts = true) {
    auto call = std::make_shared<detail::pending_call>(name, faults_);
    const std::lock_guard lock(calls_mutex_);
    if (counts) calls_.push_back(call);
    return call;
  }
  std::string id_;
  const postbus_plugin* table_ = nullptr;
  void* self_ = nullptr;
  std::array<const void*, 4> tables_{};  // by interfaces
  bool created_ = false;
  phase phase_ = phase::none;
  std::unique_ptr<answer> stop_;
  const std::thread::id thread_ = std::this_thread::get_id();
  const int exceptions_ = std::uncaught_exceptions();

  mutable std::mutex calls_mutex_;
  std::vector<std::shared_ptr<detail::pending_call>> calls_;
};

}  // namespace postbus::testing
