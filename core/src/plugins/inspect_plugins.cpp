// Which plugins there are, and what a bus could do with them.
#include "config/secrets.hpp"
#include "plugin_loader.hpp"
#include "plugin_survey.hpp"
#include "publish/router.hpp"

#include <postbus/inspect.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace postbus {
namespace {

using namespace detail;
using how = capability_info::how;

// The names by which a configuration uses plugins.
std::vector<std::string> used_names(const settings& host) {
  std::vector<std::string> names;
  for (const transport_settings& t : host.transports) {
    names.push_back(t.plugin.name);
    if (!t.like.name.empty()) names.push_back(t.like.name);
    for (const plugin_name& wrapper : t.wrappers) names.push_back(wrapper.name);
  }
  for (const plugin_name& feature : host.features) names.push_back(feature.name);
  names.push_back(host.store.plugin.name);
  for (const plugin_name& wrapper : host.store.wrappers) names.push_back(wrapper.name);
  return names;
}

// The store that "auto" stands for; nothing where there is none, or where something else is missing.
std::optional<std::string> found_store(const config_access::contents& filled) {
  try {
    const plugin_survey s = survey_plugins(filled);
    if (s.found.store) return s.found.store->plugin->id;
  } catch (const error&) {
  }
  return std::nullopt;
}

bool is_among(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

plugin_info describe(const plugin_library& library, const manifest_plugin& p) {
  return {p.id,      library.info.version,    p.summary, library.info.file, p.provides, p.needs,
          p.methods, capability_names(p.can), false,     p.shared,          {},         p.wraps};
}

class plugin_list {
 public:
  explicit plugin_list(std::vector<std::string> used) : used_(std::move(used)) {}

  void add(const plugin_library& library, bool by_file) {
    for (const manifest_plugin& p : library.info.plugins) {
      plugin_info row = describe(library, p);
      const auto first =
          std::find_if(rows.begin(), rows.end(), [&](const plugin_info& r) { return r.id == p.id; });
      const bool hidden = !by_file && first != rows.end();
      if (hidden && row.problem.empty())
        row.problem = "hidden: " + first->file + " has a plugin of this id, and comes first";
      row.used = is_among(used_, library.info.file) || (!by_file && !hidden && is_among(used_, p.id));
      rows.push_back(std::move(row));
    }
  }

  void add_unusable(const std::string& file, const std::string& why) {
    plugin_info row;
    row.file = file;
    row.used = is_among(used_, file);
    row.problem = why;
    rows.push_back(std::move(row));
  }

  std::vector<plugin_info> rows;

 private:
  std::vector<std::string> used_;
};

// A capability that is the transport's own, or is not there.
struct own_capability {
  const char* name;
  std::uint32_t bit;
  const char* remark;
  how otherwise;
  const char* remark_otherwise;
};

constexpr own_capability own_ones[] = {
    {"groups", POSTBUS_CAN_GROUP, "members of a group share its events", how::refused,
     "subscribe refuses a group"},
    {"patterns", POSTBUS_CAN_PATTERN, "*, {name} and **", how::refused, "subscribe takes topics only"},
    {"flow control", POSTBUS_CAN_CREDIT, "as many as prefetch says, and no more until they are settled",
     how::core, "what comes is buffered here, and past overflow_max some of it is discarded"},
    {"acknowledgement", POSTBUS_CAN_ACK, "an event is kept until it is settled", how::core,
     "settled within this process; the transport does not learn of it"},
    {"delivery count across a crash", POSTBUS_CAN_COUNT, "handlers started, in whichever process",
     how::refused, "counted within this process; a crash starts anew"},
    {"delivery lease", POSTBUS_CAN_LEASE, "the subscribe option 'lease'; renewed until the event is settled",
     how::core, "an event stays with its subscription as long as that process, or its connection, lives"},
    {"replay", POSTBUS_CAN_REPLAY, "the subscribe option 'from', as far back as it remembers", how::refused,
     "the subscribe option 'from' takes new events only"},
    {"persistence", POSTBUS_CAN_PERSIST, "events outlive the process", how::refused,
     "what nobody has taken on is lost with the process, or with the connection"},
    {"partitions", POSTBUS_CAN_PARTITION, "one owner per key, across processes", how::refused,
     "with ordered_by a group has one member"}};

void explain_transport(std::vector<capability_info>& to, const transport_settings& t, const plugin_use& use,
                       const plugin_use* store) {
  const auto add = [&](const char* name, how supplied, std::string remark) {
    to.push_back({t.name, use.id, name, supplied, std::move(remark)});
  };
  const std::string like = t.like.name.empty() ? "" : " (limited as '" + t.like.name + "')";
  for (const own_capability& c : own_ones) {
    if ((use.can & c.bit) != 0) add(c.name, how::native, c.remark);
    else add(c.name, c.otherwise, c.remark_otherwise + (c.otherwise == how::refused ? like : ""));
  }
  add("retry and backoff", how::core, "the timer runs in this process; a crash starts anew");
  if ((use.can & POSTBUS_CAN_DELAY) != 0) add("delay", how::native, "kept by the transport");
  else add("delay", how::core, "the publish option 'delay': kept within this process until it is due");
  if (t.format.codec == codec::raw)
    add("request and reply", how::refused, "the codec raw cannot say where the reply goes");
  else add("request and reply", how::core, "bus.request() and delivery.reply()");
  if (store != nullptr) add("dead letters", how::core, "boxes by group in the store '" + store->id + "'");
  else
    add("dead letters", how::refused, "no store: what is given up is counted and logged; set store.plugin");
  const bool is_queued = t.dispatch == dispatch_mode::queued;
  add("order by key", is_queued ? how::core : how::refused,
      "the subscribe option 'ordered_by': one at a time per key, within this process");
  add("parking", how::core,
      "what waits for its retry gives its credit back, up to the subscribe option 'park_max'");
  add("handler time-out", t.dispatch == dispatch_mode::queued ? how::core : how::refused,
      t.dispatch == dispatch_mode::queued ? "the subscribe option 'handler_timeout'; the event goes to others"
                                          : "dispatch = \"inline\": a handler holds its publisher");
  if (t.format.codec == codec::raw)
    add("ids, headers, ordering key, ttl", how::refused, "the codec raw carries nothing but the data");
  else
    add("ids, headers, ordering key, ttl", how::core,
        "written by the codec; what is expired is not delivered");
  if (is_queued)
    add("buffering while it is away", how::core,
        "on_unavailable = \"buffer\": publishes wait in this process, in order, up to their deadline");
  else
    add("buffering while it is away", how::refused,
        "dispatch = \"inline\": a publish ends before it returns");
}

}  // namespace

std::vector<plugin_info> list_plugins(const config& configuration) {
  const config_access::contents filled = fill_in_secrets(config_access::of(configuration));
  return without_secrets(filled, [&] {
    const settings host = read_settings(filled);
    plugin_catalog catalog(plugin_folders(host.plugin_path), filled.modules);
    std::vector<std::string> used = used_names(host);
    if (auto store = found_store(filled)) used.push_back(*std::move(store));
    plugin_list list(used);
    for (const auto& library : catalog.libraries()) list.add(*library, false);
    for (const auto& file : catalog.passed_over()) list.add_unusable(file.file.string(), file.why);
    for (const std::string& name : used) {
      const auto is_listed = [&](const plugin_info& row) { return row.file == name; };
      if (name.find('/') == std::string::npos || std::any_of(list.rows.begin(), list.rows.end(), is_listed))
        continue;
      try {
        list.add(*catalog.find_all({name, ""}).front().library, true);
      } catch (const error& e) {
        list.add_unusable(name, e.what());
      }
    }
    return std::move(list.rows);
  });
}

std::vector<plugin_info> transports_of(const config& configuration, std::string_view pattern) {
  const config_access::contents filled = fill_in_secrets(config_access::of(configuration));
  return without_secrets(filled, [&] {
    const plugin_survey survey = survey_plugins(filled);
    std::vector<plugin_info> rows;
    for (const std::size_t i : router(survey.host.routes).reach(pattern)) {
      const found_plugin& transport = survey.found.transports[i];
      rows.push_back(describe(*transport.library, *transport.plugin));
      rows.back().used = true;
    }
    return rows;
  });
}

std::vector<capability_info> explain_capabilities(const config& configuration) {
  const prepared ready = prepare_unloaded(configuration);
  std::vector<capability_info> result;
  for (std::size_t i = 0; i < ready.transports.size(); ++i)
    explain_transport(result, ready.host.transports[i], ready.transports[i],
                      ready.store ? &*ready.store : nullptr);
  return result;
}

void check(const config& configuration) { prepare(configuration); }

}  // namespace postbus
