#include "driver.hpp"
#include "tables.hpp"

#include <postbus/conformance/library.hpp>

#include <algorithm>

namespace postbus::conformance {
namespace {

bool is_store(const plugin_info& p) { return provides(p, "postbus.store/1"); }

enum class role { transport, store, feature, transport_wrapper, store_wrapper };
role role_of(const plugin_info& p) {
  if (!p.wraps.empty()) return p.wraps == "store" ? role::store_wrapper : role::transport_wrapper;
  return is_transport(p) ? role::transport : is_store(p) ? role::store : role::feature;
}

}  // namespace

bool is_transport(const plugin_info& p) { return provides(p, "postbus.transport/1") && p.wraps.empty(); }

void findings::add(std::string_view sentence) { sentences_.emplace_back(sentence); }

std::span<const library_check> library_checks() {
  static const std::vector<library_check> all = [] {
    std::vector<library_check> list;
    for (const auto& table : tables_of_checks()) list.insert(list.end(), table.begin(), table.end());
    return list;
  }();
  return all;
}

result run(const library_check& check, const library_under_test& library) {
  const auto begin = std::chrono::steady_clock::now();
  findings found;
  result r;
  try {
    check.run(library, found);
    r.reasons = found.sentences();
    if (!r.reasons.empty()) r.verdict = verdict::failed;
  } catch (const check_skipped& skipped) {
    r = {verdict::skipped, {skipped.why}, {}};
  } catch (const std::exception& e) {
    r.verdict = verdict::failed;
    r.reasons = found.sentences();
    r.reasons.emplace_back(e.what());
  }
  r.took = std::chrono::steady_clock::now() - begin;
  return r;
}

std::vector<plugin_info> plugins_in(const library_under_test& library) {
  return plugins_of_manifest(read_library_manifest(library.file), library.file.string());
}

// A file names a plugin as long as it has one of the kind; else its folder and the id do.
config config_with(const library_under_test& library, const plugin_info& plugin) {
  const role wanted = role_of(plugin);
  const auto all = plugins_in(library);
  const bool is_only_one =
      std::count_if(all.begin(), all.end(), [&](const plugin_info& p) { return role_of(p) == wanted; }) == 1;
  config c = library.base;
  if (!is_only_one) c.plugin_path(library.file.parent_path());
  const std::string name = is_only_one ? library.file.string() : plugin.id;
  if (wanted == role::transport) return c.transport(name);
  if (wanted == role::store) return c.set("store.plugin", "\"" + name + "\"");
  const std::string list = "[\"" + name + "\"]";
  if (wanted == role::transport_wrapper) return c.set("transport.wrappers", list);
  if (wanted == role::store_wrapper) return with_some_store(std::move(c)).set("store.wrappers", list);
  return c.feature(name);
}

}  // namespace postbus::conformance
