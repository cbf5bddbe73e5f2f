#include "event_record.hpp"

#include "block_pool.hpp"

#include <postbus/sdk/abi.hpp>

#include <cstring>
#include <new>

namespace postbus::detail {

uuid make_uuid(std::int64_t wall_ns, std::uint64_t random_a, std::uint64_t random_b) noexcept {
  const auto ms = static_cast<std::uint64_t>(wall_ns) / 1'000'000;
  uuid id;
  for (unsigned i = 0; i < 6; ++i) id[i] = static_cast<std::uint8_t>(ms >> (40 - 8 * i));
  std::memcpy(&id[6], &random_a, 2);
  std::memcpy(&id[8], &random_b, 8);
  id[6] = static_cast<std::uint8_t>(0x70 | (id[6] & 0x0f));
  id[8] = static_cast<std::uint8_t>(0x80 | (id[8] & 0x3f));
  return id;
}

void format_uuid(const uuid& id, char (&text)[36]) noexcept {
  static constexpr char digits[] = "0123456789abcdef";
  char* out = text;
  for (std::size_t i = 0; i < id.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *out++ = '-';
    *out++ = digits[id[i] >> 4];
    *out++ = digits[id[i] & 15];
  }
}

void event_record::fill() noexcept {
  if (ids == nullptr) return;
  if (time_ns != 0 && id.len != 0) return;
  const std::int64_t now_ns = ids->wall_ns();
  if (time_ns == 0) time_ns = now_ns;
  if (id.len == 0) {
    // Not from time_ns: a few events have theirs from a finer clock that is some ms ahead, and ids should sort as they were made.
    made = make_uuid(now_ns, ids->random(), ids->random());
    has_uuid = true;
    format_uuid(made, id_text);
    id = {id_text, sizeof id_text};
  }
}

event_record* event_record::keep() {
  if (references.load(std::memory_order_relaxed) != 0) {
    references.fetch_add(1, std::memory_order_relaxed);
    return this;
  }
  if (copy == nullptr) {
    fill();
    copy = new_event(*this, nullptr, *ids);
    copy->has_uuid = has_uuid;
    copy->made = made;
    copy->timed = timed;
  }
  copy->references.fetch_add(1, std::memory_order_relaxed);
  return copy;
}

void event_record::release() noexcept {
  // The only holder needs no atomic to let go.
  if (references.load(std::memory_order_acquire) != 1 &&
      references.fetch_sub(1, std::memory_order_acq_rel) != 1)
    return;
  if (foreign != nullptr && foreign->release != nullptr) foreign->release(foreign->ctx);
  pool_free(this);
}

namespace {

// Lays texts one behind the other into a block, but those that lie in bytes which the event owns anyway.
struct packer {
  std::string_view owned;
  char* at = nullptr;

  bool stays(postbus_str text) const noexcept {
    const auto begin = reinterpret_cast<std::uintptr_t>(text.ptr),
               there = reinterpret_cast<std::uintptr_t>(owned.data());
    return begin >= there && begin + text.len <= there + owned.size();
  }
  std::size_t room(postbus_str text) const noexcept { return stays(text) ? 0 : text.len; }
  postbus_str operator()(postbus_str text) noexcept {
    if (stays(text)) return text;
    const postbus_str packed{at, text.len};
    if (text.len != 0) std::memcpy(at, text.ptr, text.len);
    at += text.len;
    return packed;
  }
};

event_record* make_event(const postbus_event& fields, postbus_bytes data, const postbus_owned* owner,
                         id_source& ids) {
  packer pack{owner != nullptr ? sdk::view(owner->bytes) : std::string_view()};
  const postbus_str body = sdk::str(sdk::view(data));
  std::size_t texts = pack.room(fields.topic) + pack.room(fields.source) + pack.room(fields.key) +
                      pack.room(fields.content_type) + pack.room(body);
  // An id that has the size of one of ours stands where ours would.
  const bool id_in_place = fields.id.len == sizeof(event_record::id_text) && !pack.stays(fields.id);
  if (!id_in_place) texts += pack.room(fields.id);
  for (std::size_t i = 0; i < fields.header_count; ++i)
    texts += pack.room(fields.headers[i].name) + pack.room(fields.headers[i].value);
  const std::size_t pairs = fields.header_count * sizeof(postbus_pair),
                    owned = owner != nullptr ? sizeof(postbus_owned) : 0;

  auto* memory = static_cast<char*>(pool_allocate(sizeof(event_record) + pairs + owned + texts));
  auto* event = new (memory) event_record;  // every field is set below: zeroing them first costs 8 ns
  pack.at = memory + sizeof(event_record) + pairs + owned;
  event->size = sizeof(postbus_event);
  event->flags = fields.flags;
  event->time_ns = fields.time_ns;
  event->expires_ns = fields.expires_ns;
  event->topic = pack(fields.topic);
  event->source = pack(fields.source);
  event->key = pack(fields.key);
  event->content_type = pack(fields.content_type);
  if (id_in_place) {
    std::memcpy(event->id_text, fields.id.ptr, sizeof event->id_text);
    event->id = {event->id_text, sizeof event->id_text};
  } else {
    event->id = pack(fields.id);
  }
  auto* headers = reinterpret_cast<postbus_pair*>(memory + sizeof(event_record));
  for (std::size_t i = 0; i < fields.header_count; ++i)
    headers[i] = {pack(fields.headers[i].name), pack(fields.headers[i].value)};
  event->headers = headers;
  event->header_count = fields.header_count;
  event->data = sdk::bytes(sdk::view(pack(body)));
  event->foreign =
      owner != nullptr ? new (memory + sizeof(event_record) + pairs) postbus_owned(*owner) : nullptr;
  event->ids = &ids;
  event->fill();
  event->ids = nullptr;
  event->references.store(1, std::memory_order_relaxed);
  return event;
}

}  // namespace

event_record* new_event(const postbus_event& fields, const postbus_owned* data, id_source& ids) {
  return make_event(fields, data != nullptr ? data->bytes : fields.data, data, ids);
}

event_record* new_event_over(const postbus_event& fields, const postbus_owned& wire, id_source& ids) {
  return make_event(fields, fields.data, &wire, ids);
}

}  // namespace postbus::detail
