#include "codec.hpp"

#include "codec_msgpack.hpp"

namespace postbus::detail {

void encode(const wire_format&, const postbus_event& event, std::string& out) { encode_msgpack(event, out); }

event_record* decode(const wire_format&, const postbus_owned& wire, std::string_view, id_source& ids,
                     std::string& why) {
  return decode_msgpack(wire, ids, why);
}

}  // namespace postbus::detail
