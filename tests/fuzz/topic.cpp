// A topic in the first line, patterns in those behind it: the two checks, the matcher and the index agree.
#include "fuzz.hpp"

#include <postbus/sdk/topic.hpp>
#include <postbus/sdk/topic_index.hpp>

#include <vector>

using namespace postbus;
using namespace postbus::fuzz;

namespace {

void demand_captures(std::string_view pattern, std::string_view topic, bool expected) {
  std::size_t braces = 0, captured = 0;
  for (const char c : pattern) braces += c == '{';
  const bool matched = sdk::captures(pattern, topic, [&](std::string_view name, std::string_view value) {
    ++captured;
    demand(!name.empty() && !value.empty(), "a capture has a name and a value");
    demand(value.data() >= topic.data() && value.data() + value.size() <= topic.data() + topic.size(),
           "out of the topic");
  });
  demand(matched == expected, "captures() matches what matches() does");
  demand(captured == (matched ? braces : 0), "each {name} is captured");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  std::string_view rest = text(bytes, size);
  const std::string_view topic = next_line(rest);
  if (const auto fault = sdk::check_topic(topic)) {
    demand(fault.offset <= topic.size() && !sdk::describe(fault, topic).empty(),
           "a fault has a place and a description");
    return 0;
  }
  demand(!sdk::check_pattern(topic) && sdk::matches(topic, topic),
         "a topic is a pattern that matches itself");

  struct entry {
    std::string_view pattern;
    sdk::topic_index_handle handle;
    std::size_t found = 0;
  };
  std::vector<entry> entries;
  sdk::topic_index<std::size_t> index;
  while (!rest.empty() && entries.size() < 64) {
    const std::string_view pattern = next_line(rest);
    const auto fault = sdk::check_pattern(pattern);
    demand(!fault || (fault.offset <= pattern.size() && !sdk::describe(fault, pattern).empty()), "here too");
    if (!fault) entries.push_back({pattern, index.insert(pattern, entries.size())});
  }
  // All of them, then without every other one.
  for (const std::size_t step : {1, 2}) {
    for (entry& e : entries) e.found = 0;
    index.match(topic, [&](std::size_t i) { ++entries[i].found; });
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const bool matched = sdk::matches(entries[i].pattern, topic);
      demand(entries[i].found == (matched && (step == 1 || i % 2 == 0)),
             "the index finds what matches(), once");
      demand_captures(entries[i].pattern, topic, matched);
      if (step == 1 && i % 2 == 1) demand(index.erase(entries[i].handle), "what was added can be taken out");
    }
  }
  return 0;
}
