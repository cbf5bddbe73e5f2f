#include "codec_msgpack.hpp"

#include "attribute.hpp"
#include "event_record.hpp"

#include <postbus/sdk/abi.hpp>
#include <postbus/sdk/topic.hpp>

#include <msgpack.hpp>

#include <array>
#include <utility>

namespace postbus::detail {
namespace {

struct appender {
  std::string& out;
  void write(const char* data, std::size_t size) { out.append(data, size); }
};

using packer = msgpack::packer<appender>;

void put(packer& p, std::string_view text) {
  p.pack_str(static_cast<std::uint32_t>(text.size()));
  p.pack_str_body(text.data(), static_cast<std::uint32_t>(text.size()));
}

// One value: of a map or an array only its head.
struct token {
  enum kind { text, bytes, integer, map, array, other } what = other;
  std::string_view view{};  // text and bytes: a view into the wire
  std::int64_t number = 0;
  std::uint64_t count = 0;  // of entries
};

// Reads by hand: through msgpack-c's visitor the same takes more than twice the time (docs/decisions/0005-codecs.md).
class reader {
 public:
  explicit reader(std::string_view wire) noexcept : wire_(wire) {
    // Field by field: of event_{} GCC makes a rep stos, which costs 8 ns.
    event_.flags = 0;
    event_.topic = event_.id = event_.source = event_.key = event_.content_type = {};
    event_.data = {};
    event_.time_ns = event_.expires_ns = 0;
  }

  bool read_event() {
    token map;
    if (!next(map)) return false;
    if (map.what != token::map) return fail("no map", 0);
    for (std::uint64_t i = 0; i < map.count; ++i) {
      token key;
      key_at_ = at_;
      if (!next(key)) return false;
      if (key.what != token::text) return fail("a key that is no text", key_at_);
      key_ = key.view;
      if (!read_value(attribute_of(key_))) return false;
    }
    return at_ == wire_.size() || fail("more bytes behind the map", at_);
  }
  const postbus_event& event() noexcept {
    event_.size = sizeof event_;
    event_.headers = headers_.data();
    event_.header_count = header_count_;
    return event_;
  }
  bool fail(std::string_view what, std::size_t at) {
    why_.assign(what).append(" (byte " + std::to_string(at) + ")");
    return false;
  }
  std::string& why() noexcept { return why_; }

 private:
  bool read_value(attribute what) {
    if (what != attribute::extension) {
      const unsigned bit = 1U << static_cast<unsigned>(what);
      if ((seen_ & bit) != 0) return fail("'" + std::string(key_) + "' twice", key_at_);
      seen_ |= bit;
    }
    token value;
    value_at_ = at_;
    if (!next(value)) return false;
    switch (what) {
      case attribute::id:
        return put(event_.id, value);
      case attribute::source:
        return put(event_.source, value);
      case attribute::type:
        return put(event_.topic, value);
      case attribute::datacontenttype:
        return put(event_.content_type, value);
      case attribute::partitionkey:
        return put(event_.key, value);
      case attribute::time:
        return put(event_.time_ns, value);
      case attribute::expirytime:
        return put(event_.expires_ns, value);
      case attribute::data:
        event_.data = sdk::bytes(value.view);
        return value.what == token::bytes || value.what == token::text || wrong("bytes");
      default:
        return key_ == "ext" ? read_headers(value) : skip(value);
    }
  }
  bool put(postbus_str& to, const token& value) {
    to = sdk::str(value.view);
    return value.what == token::text || wrong("text");
  }
  bool put(std::int64_t& to, const token& value) {
    to = value.number;
    return value.what == token::integer || wrong("integer below 2^63");
  }
  bool wrong(const char* wanted) { return fail("'" + std::string(key_) + "' is no " + wanted, value_at_); }

  bool read_headers(const token& map) {
    if (map.what != token::map) return wrong("map");
    if (header_count_ != 0) return fail("'ext' twice", key_at_);
    if (map.count > headers_.size())
      return fail("more than " + std::to_string(headers_.size()) + " headers", value_at_);
    for (; header_count_ < map.count; ++header_count_) {
      token name, value;
      const std::size_t at = at_;
      if (!next(name) || !next(value)) return false;
      if (name.what != token::text || value.what != token::text) return fail("a header that is no text", at);
      headers_[header_count_] = {sdk::str(name.view), sdk::str(value.view)};
    }
    return true;
  }

  // What lies within the value too. Counts instead of calling itself: no depth is too much.
  bool skip(token value) {
    const auto within = [](const token& t) {
      return t.what == token::map ? 2 * t.count : t.what == token::array ? t.count : 0;
    };
    for (std::uint64_t left = within(value); left != 0; left += within(value) - 1)
      if (!next(value)) return false;
    return true;
  }

  bool next(token& t) {
    if (at_ < wire_.size()) [[likely]] {  // a short text, as every key is
      const auto size = static_cast<unsigned char>(wire_[at_]) ^ 0xa0U;
      if (size < 32 && size < wire_.size() - at_) {
        t.what = token::text;
        t.view = {wire_.data() + at_ + 1, size};
        at_ += size + 1;
        return true;
      }
    }
    return next_of_any_kind(t);
  }
  bool next_of_any_kind(token& t) {
    if (at_ == wire_.size()) return fail("cut off", at_);
    const auto lead = static_cast<unsigned char>(wire_[at_++]);
    if (lead < 0x80) return integer(t, lead);
    if (lead < 0x90) return head(t, token::map, lead & 15U);
    if (lead < 0xa0) return head(t, token::array, lead & 15U);
    if (lead < 0xc0) return body(t, token::text, lead & 31U);
    if (lead >= 0xe0) return integer(t, static_cast<signed char>(lead));
    switch (lead) {
      case 0xc0:
      case 0xc2:
      case 0xc3:
        return t.what = token::other, true;  // nil, false, true
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return sized(t, token::bytes, 1U << (lead - 0xc4));
      case 0xc7:
      case 0xc8:
      case 0xc9:
        return sized(t, token::other, 1U << (lead - 0xc7), 1);  // ext
      case 0xca:
        return body(t, token::other, 4);  // float
      case 0xcb:
        return body(t, token::other, 8);
      case 0xcc:
      case 0xcd:
      case 0xce:
      case 0xcf:
        return number(t, 1U << (lead - 0xcc), false);
      case 0xd0:
      case 0xd1:
      case 0xd2:
      case 0xd3:
        return number(t, 1U << (lead - 0xd0), true);
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return body(t, token::other, 1 + (1U << (lead - 0xd4)));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return sized(t, token::text, 1U << (lead - 0xd9));
      case 0xdc:
      case 0xdd:
        return counted(t, token::array, lead == 0xdc ? 2 : 4);
      case 0xde:
      case 0xdf:
        return counted(t, token::map, lead == 0xde ? 2 : 4);
      default:
        return fail("no msgpack", at_ - 1);
    }
  }
  bool integer(token& t, std::int64_t value) noexcept {
    return t.what = token::integer, t.number = value, true;
  }
  bool head(token& t, token::kind what, std::uint64_t count) noexcept {
    return t.what = what, t.count = count, true;
  }
  bool body(token& t, token::kind what, std::uint64_t size) {
    if (size > wire_.size() - at_) return fail("cut off", wire_.size());
    t.what = what;
    t.view = wire_.substr(at_, size);
    at_ += size;
    return true;
  }
  bool sized(token& t, token::kind what, unsigned bytes, unsigned more = 0) {
    std::uint64_t size = 0;
    return unsigned_number(size, bytes) && body(t, what, size + more);
  }
  bool counted(token& t, token::kind what, unsigned bytes) {
    std::uint64_t count = 0;
    return unsigned_number(count, bytes) && head(t, what, count);
  }
  bool number(token& t, unsigned bytes, bool is_signed) {
    std::uint64_t value = 0;
    if (!unsigned_number(value, bytes)) return false;
    const unsigned unused = 64 - 8 * bytes;
    if (is_signed) return integer(t, static_cast<std::int64_t>(value << unused) >> unused);
    if (value >> 63 != 0) return t.what = token::other, true;
    return integer(t, static_cast<std::int64_t>(value));
  }
  bool unsigned_number(std::uint64_t& value, unsigned bytes) {
    if (bytes > wire_.size() - at_) return fail("cut off", wire_.size());
    for (unsigned i = 0; i < bytes; ++i) value = value << 8 | static_cast<unsigned char>(wire_[at_++]);
    return true;
  }

  std::string_view wire_, key_;
  std::size_t at_ = 0, key_at_ = 0, value_at_ = 0;
  postbus_event event_;
  std::array<postbus_pair, headers_read_max> headers_;  // not zeroed
  std::size_t header_count_ = 0;
  unsigned seen_ = 0;  // a bit for each attribute
  std::string why_;
};

}  // namespace

void encode_msgpack(const postbus_event& event, std::string& out) {
  out.clear();
  appender to{out};
  packer p(to);
  const auto texts = {std::pair{"id", event.id},
                      {"source", event.source},
                      {"type", event.topic},
                      {"datacontenttype", event.content_type},
                      {"partitionkey", event.key}};
  std::uint32_t entries = 2;  // time and data
  for (const auto& [name, value] : texts) entries += value.len != 0;
  entries += (event.expires_ns != 0) + (event.header_count != 0);
  p.pack_map(entries);
  for (const auto& [name, value] : texts)
    if (value.len != 0) put(p, name), put(p, sdk::view(value));
  put(p, "time"), p.pack_int64(event.time_ns);
  if (event.expires_ns != 0) put(p, "expirytime"), p.pack_int64(event.expires_ns);
  if (event.header_count != 0) {
    put(p, "ext"), p.pack_map(static_cast<std::uint32_t>(event.header_count));
    for (std::size_t i = 0; i < event.header_count; ++i)
      put(p, sdk::view(event.headers[i].name)), put(p, sdk::view(event.headers[i].value));
  }
  put(p, "data"), p.pack_bin(static_cast<std::uint32_t>(event.data.len));
  p.pack_bin_body(reinterpret_cast<const char*>(event.data.ptr), static_cast<std::uint32_t>(event.data.len));
}

event_record* decode_msgpack(const postbus_owned& wire, id_source& ids, std::string& why) {
  reader r(sdk::view(wire.bytes));
  if (r.read_event()) {
    const postbus_event& event = r.event();
    const std::string_view topic = sdk::view(event.topic);
    if (event.topic.len == 0 || event.id.len == 0) {
      why = event.topic.len == 0 ? "no 'type'" : "no 'id'";
      return nullptr;
    }
    const auto fault = sdk::check_topic(topic);
    if (!fault) return new_event_over(event, wire, ids);
    why = "'type': " + sdk::describe(fault, topic);
    return nullptr;
  }
  why = std::move(r.why());
  return nullptr;
}

}  // namespace postbus::detail
