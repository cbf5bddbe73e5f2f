// queue: what the mutant keeps of events that wait, of those that are with a member of a group, and of those of the past.
#pragma once

#include <postbus/sdk/plugin.hpp>
#include <postbus/sdk/topic_index.hpp>

#include <deque>
#include <vector>

namespace mutant {

namespace sdk = postbus::sdk;

struct entry {
  sdk::kept_event event;
  std::uint32_t attempt = 0;
  std::uint64_t position = 0;
  bool again = false;      // it was delivered before
  bool forgotten = false;  // it came again though it was acknowledged
};

struct queue;
struct member {
  sdk::sink to;
  queue* from = nullptr;
  std::uint32_t credit = 0;
};
struct queue {
  bool is_group = false;
  std::deque<entry> waiting;
  std::vector<member*> members;
  std::size_t turn = 0;
  sdk::topic_index_handle place;
};
struct held {
  entry what;
  queue* from;
  member* with;
};

}  // namespace mutant
