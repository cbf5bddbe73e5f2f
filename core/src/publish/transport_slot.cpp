#include "transport_slot.hpp"

#include "engine/engine.hpp"

#include <algorithm>

namespace postbus::detail {
namespace {

const postbus_transport* table_of(const plugin_instance& p) {
  return p.interface<postbus_transport>("postbus.transport/1");
}

}  // namespace

void check_transport(const plugin_instance& p) {
  const postbus_transport* table = table_of(p);
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
  if ((table->can & POSTBUS_CAN_LEASE) != 0 && (table->can & POSTBUS_CAN_ACK) == 0)
    refuse("says LEASE without ACK", "both: leases are renewed by settle()");
  // A wrapper passes on what it names of what there is.
  const bool is_wrapper = p.wrapped() != nullptr;
  const std::uint32_t can = p.manifest().can & (is_wrapper ? table_of(*p.wrapped())->can : UINT32_MAX);
  if (table->can != can)
    refuse("can " + std::to_string(table->can) + " by its table and " + std::to_string(can) +
               " by its manifest" + (is_wrapper ? " and what it wraps" : ""),
           "the same capabilities in both");
}

transport_slot::transport_slot(engine& owner, std::unique_ptr<plugin_instance> instance,
                               const transport_settings& settings)
    : name(settings.name),
      path(settings.path),
      format(settings.format),
      plugin(std::move(instance)),
      waiting(owner, *this) {
  table = table_of(*plugin);
  if (!settings.required)
    throw error(error::unsupported, path + ".required = false", "true",
                "starting without the transport is not available yet");
  self = plugin->self();
  can = plugin->innermost().can();
  data_max = settings.data_max;
  // An event meets every layer, whatever the outermost says.
  for (const plugin_instance* layer = plugin.get(); layer != nullptr; layer = layer->wrapped()) {
    needs |= table_of(*layer)->needs;
    data_max = std::min(data_max, table_of(*layer)->data_max);
  }
  answers_at_once = (table->flags & POSTBUS_ANSWERS_AT_ONCE) != 0 && (needs & POSTBUS_NEED_WIRE) == 0;
  buffers = settings.buffers;
  if (buffers) answers_at_once = false;  // those that wait are kept, in their order
  inline_dispatch = settings.dispatch == dispatch_mode::on_delivery;
  // Else a handler could run on the very thread that brings the answers its own publish waits for.
  if (inline_dispatch && !answers_at_once)
    throw error(error::unsupported, path + ".dispatch = \"inline\" on '" + plugin->id() + "'",
                buffers ? "on_unavailable = \"fail\": who waits holds no handler"
                        : "a transport that answers a publish at once",
                "set " + path + ".dispatch = \"queued\"");
}

transport_slot::~transport_slot() = default;

}  // namespace postbus::detail
