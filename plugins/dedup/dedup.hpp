// dedup: lets an event be handled once. The plugin around `claims`: it names keys, carries the steps to the store, and gives the host
// its verdicts.
#pragma once

#include "claims.hpp"
#include "store_steps.hpp"

#include <postbus/sdk/plugin.hpp>
#include <postbus/sdk/spin_mutex.hpp>
#include <postbus/sdk/store_client.hpp>

#include <atomic>
#include <memory>
#include <mutex>

namespace postbus::dedup_plugin {

class dedup {
 public:
  explicit dedup(sdk::context& ctx);
  void start(sdk::completion<>&& done);
  void stop(sdk::completion<>&& done);

  std::uint32_t stages() const noexcept;
  void on_batch(std::uint32_t stage, std::span<postbus_item> items);
  void call(std::string_view method, std::string_view json, sdk::completion<std::string_view>&& done);

 private:
  static constexpr std::size_t calls_max = 4;  // at once: what comes meanwhile goes together in the next

  // One call of the store. Used again.
  struct store_call {
    dedup* self = nullptr;
    store_steps steps;
    std::vector<postbus_verdict> verdicts;
  };
  struct note_taker {
    dedup& self;
    void operator()(std::string_view key, std::string_view note) const { self.noted(key, note); }
  };

  void ask(std::uint32_t stage, std::span<postbus_item> items);
  void tell(std::uint32_t stage, std::span<postbus_item> items);
  void show(std::uint32_t stage, postbus_item& raw, std::int64_t now_ns);
  void write_key(std::uint32_t stage, const sdk::item& i, std::string& to);
  bool waits_for_store(const sdk::item& i) const noexcept;
  void answer(postbus_item& raw, claim& c);

  // Sends what is in the outbox, as far as calls_max allows; called without the lock, as the next ones.
  void flush();
  void answered(store_call& c, std::int32_t status, const postbus_op_result* results,
                const postbus_error* error);
  void noted(std::string_view key, std::string_view note);
  void arm();
  void tick();
  void retry();
  void count();
  void say(bool is_down, const postbus_error* error);

  void forget(std::string_view json, sdk::completion<std::string_view>&& done);
  std::string stats();

  sdk::context& ctx_;
  sdk::store_client store_;
  sdk::flow flow_;
  const std::int64_t window_ns_, lease_ns_;
  const bool at_publish_;
  const std::string_view on_store_down_;
  const std::uint32_t let_by_metric_, duplicates_metric_, unclaimed_metric_, calls_metric_, ids_metric_,
      bytes_metric_;
  std::string own_;         // names this instance among all
  std::int64_t token_ = 0;  // the last one
  std::uint64_t watch_ = 0;
  note_taker notes_{*this};

  std::atomic<bool> is_down_{false};  // the store

  sdk::spin_mutex mutex_;  // of what follows
  claims claims_;
  std::vector<std::unique_ptr<store_call>> idle_calls_;
  std::size_t calls_ = 0;  // on their way
  std::uint64_t all_calls_ = 0, failures_ = 0, without_key_ = 0;
  std::uint64_t ids_ = 0, bytes_ = 0;  // that were written as done
  struct {
    std::uint64_t let_by = 0, duplicates = 0, unclaimed = 0, store_calls = 0, known_ids = 0, known_bytes = 0;
  } counted_;                             // what the metrics know
  bool ticks_ = false, retries_ = false;  // their timers are on
};

}  // namespace postbus::dedup_plugin
