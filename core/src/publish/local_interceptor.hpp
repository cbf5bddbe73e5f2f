// local_interceptor: a function of the program in the shape of a plugin's interceptor, so that the pipeline knows one kind only.
#pragma once

#include "config/config_contents.hpp"
#include "event/event_record.hpp"

#include <postbus/interceptor.hpp>
#include <postbus/plugin.h>

#include <string>
#include <string_view>

namespace postbus {

class local_interceptor {
 public:
  local_interceptor(const detail::local_feature& feature, detail::id_source& ids)
      : feature_(feature), ids_(ids) {
    table = {sizeof table, static_cast<std::uint32_t>(feature.where), 0, 0, &on_batch};
  }

  // What an item's `reason` says; of the last batch on this thread.
  static std::string_view reason(std::size_t index) noexcept;

  postbus_interceptor table;

 private:
  static void on_batch(void* self, std::uint32_t stage, postbus_item* items, std::size_t n) noexcept;

  detail::local_feature feature_;
  detail::id_source& ids_;
};

}  // namespace postbus
