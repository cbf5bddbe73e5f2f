// leaks_when_refused: a plugin that leaves memory behind when it refuses its settings.
#pragma once

#include <postbus/sdk/plugin.hpp>

#include <vector>

namespace mutant {

template <class Transport>
std::int32_t create_and_leak(const postbus_host* host, postbus_str config, const postbus_plugin** table,
                             void** self, postbus_error* err) {
  // Reachable all the time, so that only who counts what is allocated finds it.
  static auto* const left = new std::vector<std::vector<char>*>;
  const std::int32_t status = postbus::sdk::describe<Transport>("").create(host, config, table, self, err);
  if (status != POSTBUS_OK) left->push_back(new std::vector<char>(100));
  return status;
}

template <class Transport>
constexpr postbus_plugin_desc leaking_when_refused(const char* id) {
  return {sizeof(postbus_plugin_desc), 0, id, create_and_leak<Transport>};
}

}  // namespace mutant
