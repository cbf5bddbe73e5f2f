// pipeline: asks the features about events on their way down (AT_PUBLISH, in the order of the configuration) and up (AT_DELIVER,
// in reverse), and carries out their verdicts.
#pragma once

#include "event/event_record.hpp"
#include "plugins/plugin_instance.hpp"
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
  std::uint64_t ticket = 0, cause = 0;
  std::uint32_t attempt = 0;
  std::uint32_t verdict = POSTBUS_PASS;  // what ended it: DROP, REJECT, or FAIL where on_error says so
  error_code ec;                         // at publish: why it was refused
  std::string reason;                    // the feature and its reason, as "size-limit: too_big"
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
  void ask(thread_record& thread, std::uint32_t stage, std::span<traveller> travellers) const;

  bool empty() const noexcept { return features_.empty(); }

 private:
  struct feature {
    std::string id;
    const std::vector<std::string>*
        reasons;  // nullptr: a function of the program, which says it in its own words
    const postbus_interceptor* table;
    void* self;
    feature_settings settings;
  };

  void add(feature f);

  void ask_one(thread_record& thread, const feature& f, std::uint64_t bit, std::uint32_t stage,
               std::span<traveller> travellers) const;
  void carry_out(thread_record& thread, const feature& f, std::uint32_t stage, const postbus_item& answer,
                 traveller& t) const;

  engine& engine_;
  std::vector<feature> features_;
  std::vector<std::unique_ptr<local_interceptor>> local_;
};

}  // namespace postbus::detail
