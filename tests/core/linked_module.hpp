// A module as if it were linked into the program, with the manifest of a test.
#pragma once

#include <postbus/plugin.h>

#include <string>
#include <vector>

namespace postbus {

struct linked_module {
  std::string manifest;
  std::vector<std::string> ids;
  std::vector<postbus_plugin_desc> descriptions;
  std::vector<const postbus_plugin_desc*> pointers;
  postbus_module module{};

  linked_module(std::vector<std::string> plugin_ids, std::string plugins)
      : manifest(R"({"version": "1.0.0", "abi": 1, "plugins": [)" + std::move(plugins) + "]}"),
        ids(std::move(plugin_ids)) {
    for (const std::string& id : ids)
      descriptions.push_back({sizeof(postbus_plugin_desc), 0, id.c_str(), create});
    for (const auto& description : descriptions) pointers.push_back(&description);
    module = {POSTBUS_MAGIC,   sizeof(postbus_module), 1, 0, 0, 0, manifest.c_str(),
              pointers.data(), pointers.size()};
  }
  linked_module(const linked_module&) = delete;
  linked_module& operator=(const linked_module&) = delete;

  static std::int32_t create(const postbus_host*, postbus_str, const postbus_plugin**, void**,
                             postbus_error*) {
    return POSTBUS_E_FAIL;
  }
};

}  // namespace postbus
