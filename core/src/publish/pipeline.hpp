// pipeline: asks the features about events on their way down (AT_PUBLISH, in the order of the configuration) and up (AT_DELIVER, in
// reverse), carries out their verdicts, and tells those that let an event by how it ended (AT_PUBLISHED, AT_SETTLED).
#pragma once

#include "event/event_record.hpp"
#include "flow_table.hpp"
#include "passage_marks.hpp"
#include "plugins/plugin_instance.hpp"
#include "telling.hpp"
#include "topic_cache.hpp"

#include <span>

namespace postbus::detail {

class engine;
struct thread_record;

}  // namespace postbus::detail

namespace postbus {
class local_interceptor;
}

namespace postbus::detail {

// One event in the pipeline.
struct traveller {
  const postbus_event* event = nullptr;
  topic_entry* entry = nullptr;   // of the event's topic
  event_record* owned = nullptr;  // the replacement that `event` is, if it was replaced
  passage_marks marks;
  const postbus_subscriber* subscriber = nullptr;  // of a delivery
  std::uint32_t can = 0;                           // of the transport that a delivery came over
  std::uint64_t cause = 0;
  std::uint32_t attempt = 0;
  // What ended it: DROP, REJECT, or FAIL where on_error says so. HOLD and PARK: it waits for the feature that was asked as number `at`.
  std::uint32_t verdict = POSTBUS_PASS;
  std::uint32_t at = 0;  // while it goes on: the next to be asked
  error_code ec;         // at publish: why it was refused
  std::string reason;    // the feature and its reason, as "size-limit: too_big"

  // A feature keeps it until it says more.
  bool is_kept() const noexcept { return verdict == POSTBUS_HOLD || verdict == POSTBUS_PARK; }
};

class pipeline {
 public:
  static constexpr std::size_t features_max = 64;  // topic_entry keeps those that apply in one word

  explicit pipeline(engine& owner);
  ~pipeline();

  // Set-up, in the order of the configuration: a plugin, or a function of the program. Throws error: bad_config, bad_plugin.
  void add(plugin_instance& feature, const feature_settings& settings);
  void add(const std::string& name, const local_feature& feature, const feature_settings& settings);

  // Which features apply to the topic, in each direction.
  void scope(topic_entry& entry) const;

  // `stage`: POSTBUS_AT_PUBLISH or POSTBUS_AT_DELIVER. Sets each traveller's verdict; PASS may come with another event and entry.
  // Each feature sees all of them that got as far as it, in batches of 64 at most.
  void ask(thread_record& thread, std::uint32_t stage, std::span<traveller> travellers) const;
  // The feature that kept it has its verdict, which is carried out; ask() goes on with those behind it.
  void take_answer(thread_record& thread, std::uint32_t stage, traveller& t,
                   const postbus_verdict& answer) const;
  // `stage`: POSTBUS_AT_PUBLISHED or POSTBUS_AT_SETTLED. Each feature hears of all that it is owed, in batches of 64 at most. One that
  // is held is told to the rest by another call, after take_answer().
  void tell(std::uint32_t stage, std::span<telling> all) const;
  // What the feature that held it at SETTLED says in the end.
  void take_answer(telling& how, const postbus_verdict& answer) const;
  // A publish that does not wait ended so.
  void tell_published(const postbus_event& event, passage_marks& marks, std::int32_t status) const {
    if (marks.passed == 0) return;
    telling how;
    how.event = &event;
    how.marks = &marks;
    how.outcome = status;
    tell(POSTBUS_AT_PUBLISHED, {&how, 1});
  }
  std::uint64_t next_ticket(thread_record& thread) const noexcept;

  bool empty() const noexcept { return features_.empty(); }
  bool wants_settled() const noexcept { return wants_settled_; }
  mutable flow_table waiting;

 private:
  struct feature {
    std::string id;
    const std::vector<std::string>*
        reasons;  // nullptr: a function of the program, which says it in its own words
    const postbus_interceptor* table;
    void* self;
    feature_settings settings;
    bool may_hold, may_park;  // the manifest says so
  };

  void add(feature f);
  // The feature that is asked as number k at the stage.
  std::size_t place_of(std::uint32_t stage, std::size_t k) const noexcept {
    return stage == POSTBUS_AT_PUBLISH || stage == POSTBUS_AT_PUBLISHED ? k : features_.size() - 1 - k;
  }
  void ask_one(thread_record& thread, std::size_t place, std::uint32_t number, std::uint32_t stage,
               std::span<traveller> travellers) const;
  void tell_one(std::size_t place, std::uint32_t number, std::uint32_t stage, std::span<telling> all) const;
  void refuse(const feature& f, telling& how, std::uint32_t reason) const;
  void carry_out(thread_record& thread, std::size_t place, std::uint32_t stage, const postbus_item& answer,
                 traveller& t) const;
  static postbus_str key_for(const feature& f, const postbus_event& event, std::string& buffer);
  std::string_view words_of(const feature& f, std::uint32_t reason) const noexcept;

  engine& engine_;
  std::vector<feature> features_;
  std::vector<std::unique_ptr<local_interceptor>> local_;
  bool wants_settled_ = false;
};

}  // namespace postbus::detail
