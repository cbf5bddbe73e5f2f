#include "transport_slot.hpp"

#include "engine/engine.hpp"

#include <algorithm>

namespace postbus::detail {
namespace {

void check_table(const plugin_instance& p, const postbus_transport* table) {
  const auto refuse = [&](const std::string& found, const std::string& wanted) {
    throw error(error::bad_plugin, "plugin '" + p.id() + "' (" + p.origin() + ") " + found, wanted,
                "see plugin.h");
  };
  if (table == nullptr) refuse("gives no postbus.transport/1", "the interface its manifest provides");
  if (!POSTBUS_CAN(table, publish) || !POSTBUS_CAN(table, subscribe) || !POSTBUS_CAN(table, unsubscribe))
    refuse("has no publish, subscribe or unsubscribe", "a complete postbus_transport table");
  if (((table->can & POSTBUS_CAN_CREDIT) != 0) != POSTBUS_CAN(table, credit) ||
      ((table->can & POSTBUS_CAN_ACK) != 0) != POSTBUS_CAN(table, settle))
    refuse("says CREDIT or ACK without the function, or the reverse", "both or neither");
  if (table->can != p.manifest().can)
    refuse("can " + std::to_string(table->can) + " by its table and " + std::to_string(p.manifest().can) +
               " by its manifest",
           "the same capabilities in both");
}

}  // namespace

transport_slot::transport_slot(engine& owner, std::unique_ptr<plugin_instance> instance,
                               const transport_settings& settings)
    : name(settings.name),
      path(settings.path),
      format(settings.format),
      plugin(std::move(instance)),
      waiting(owner, *this) {
  plugin->check();
  table = plugin->interface<postbus_transport>("postbus.transport/1");
  check_table(*plugin, table);
  if (!settings.required)
    throw error(error::unsupported, path + ".required = false", "true",
                "starting without the transport is not available yet");
  self = plugin->self();
  can = plugin->can();
  needs = table->needs;
  data_max = std::min(settings.data_max, table->data_max);
  answers_at_once = (table->flags & POSTBUS_ANSWERS_AT_ONCE) != 0 && (needs & POSTBUS_NEED_WIRE) == 0;
  inline_dispatch = settings.dispatch == dispatch_mode::on_delivery;
  // Else a handler could run on the very thread that brings the answers its own publish waits for.
  if (inline_dispatch && !answers_at_once)
    throw error(error::unsupported, path + ".dispatch = \"inline\" on '" + plugin->id() + "'",
                "a transport that answers a publish at once", "set " + path + ".dispatch = \"queued\"");
}

transport_slot::~transport_slot() = default;

}  // namespace postbus::detail
