// The attributes of an event by the names that they have on the wire, and what a header may be called.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace postbus::detail {

enum class attribute : std::uint8_t {
  extension,  // none of the others: a header
  id,
  source,
  type,  // the topic
  time,
  datacontenttype,
  partitionkey,
  expirytime,
  data,
  specversion,  // of CloudEvents
  data_base64   // of its JSON format
};

inline attribute attribute_of(std::string_view name) noexcept {
  // The size is known where it is asked: this compiles to a compare or two, where == would call memcmp.
  const auto is = [&]<std::size_t N>(const char(&text)[N]) {
    return std::memcmp(name.data(), text, N - 1) == 0;
  };
  switch (name.size()) {
    case 2:
      return is("id") ? attribute::id : attribute::extension;
    case 4:
      return is("type")   ? attribute::type
             : is("time") ? attribute::time
             : is("data") ? attribute::data
                          : attribute::extension;
    case 6:
      return is("source") ? attribute::source : attribute::extension;
    case 10:
      return is("expirytime") ? attribute::expirytime : attribute::extension;
    case 11:
      return is("specversion")   ? attribute::specversion
             : is("data_base64") ? attribute::data_base64
                                 : attribute::extension;
    case 12:
      return is("partitionkey") ? attribute::partitionkey : attribute::extension;
    case 15:
      return is("datacontenttype") ? attribute::datacontenttype : attribute::extension;
    default:
      return attribute::extension;
  }
}

// Lower-case letters and digits, and not the name of another attribute. What we send has at most 20 of them; others may send more.
inline bool is_header_name_on_wire(std::string_view name) noexcept {
  return !name.empty() && attribute_of(name) == attribute::extension &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

// The most headers that are read: the 64 that an event may have, and room for what is added on the way.
inline constexpr std::size_t headers_read_max = 128;

}  // namespace postbus::detail
