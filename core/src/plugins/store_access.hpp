// store_access: the bus's own use of its store.
#pragma once

#include <postbus/sdk/store_client.hpp>

#include <functional>
#include <string>

namespace postbus::detail {

class engine;

// Where the bus has a store. `done` hears how it ended; once, on any thread, perhaps before this returned.
void execute_on_store(engine& owner, sdk::store_ops ops, std::function<void(const sdk::store_answer&)> done);

// What went wrong, as a phrase; empty where all went well.
std::string fault_of(const sdk::store_answer& answer);

}  // namespace postbus::detail
