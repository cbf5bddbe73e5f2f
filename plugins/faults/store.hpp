// faulty_store: a store that fails as its plan says. Watches are left alone.
#pragma once

#include "link.hpp"
#include "plan.hpp"

#include <postbus/sdk/wrapper.hpp>

namespace postbus::faults {

class faulty_store : public sdk::store_wrapper {
 public:
  explicit faulty_store(sdk::context& ctx);
  void stop(sdk::completion<>&& done);

  void execute(std::span<const postbus_op> ops, sdk::store_completion&& done);
  void call(std::string_view method, std::string_view json, sdk::completion<std::string_view>&& done);

 private:
  plan plan_;
  link link_;
};

}  // namespace postbus::faults
