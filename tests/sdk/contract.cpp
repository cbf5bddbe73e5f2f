// plugin.h as bytes: the order of every field, no hole between two, no padding behind the last. A plugin in another language, or one
// that was built years ago, counts on them.
//
// The contract is a draft: until it is frozen a table here changes together with plugin.h. From then on a line may only be added, at
// the end of a table that is not an element of arrays.
#include "support/catch.hpp"

#include <postbus/plugin.h>

#include <cstring>
#include <initializer_list>

#if UINTPTR_MAX != UINT64_MAX
#error "the sizes here are those of 64 bits"
#endif

namespace {

struct field {
  std::size_t offset, size;
};

// Whether each field begins where the one before it ended, and the last ends with the table.
consteval bool is_dense(std::size_t size, std::initializer_list<field> fields) {
  std::size_t at = 0;
  for (const field& f : fields) {
    if (f.offset != at) return false;
    at += f.size;
  }
  return at == size;
}

#define FIELD(name) \
  field { offsetof(table, name), sizeof(table::name) }
#define IS_TABLE(bytes, ...) static_assert(sizeof(table) == (bytes) && is_dense(sizeof(table), {__VA_ARGS__}))

// clang-format off
void words() {
  { using table = postbus_str; IS_TABLE(16, FIELD(ptr), FIELD(len)); }
  { using table = postbus_bytes; IS_TABLE(16, FIELD(ptr), FIELD(len)); }
  { using table = postbus_pair; IS_TABLE(32, FIELD(name), FIELD(value)); }
  { using table = postbus_owned; IS_TABLE(32, FIELD(bytes), FIELD(release), FIELD(ctx)); }
  { using table = postbus_error; IS_TABLE(512, FIELD(size), FIELD(code), FIELD(retryable), FIELD(message)); }
  { using table = postbus_done; IS_TABLE(16, FIELD(fn), FIELD(ctx)); }
  { using table = postbus_event;
    IS_TABLE(136, FIELD(size), FIELD(flags), FIELD(topic), FIELD(id), FIELD(source), FIELD(key), FIELD(content_type),
             FIELD(data), FIELD(headers), FIELD(header_count), FIELD(time_ns), FIELD(expires_ns)); }
}

void host_tables() {
  { using table = postbus_host;
    IS_TABLE(80, FIELD(size), FIELD(abi_major), FIELD(abi_minor), FIELD(ctx), FIELD(log_enabled), FIELD(log), FIELD(state),
             FIELD(service), FIELD(event_new), FIELD(event_keep), FIELD(event_release), FIELD(event_fill)); }
  { using table = postbus_runtime;
    IS_TABLE(64, FIELD(size), FIELD(flags), FIELD(now_ns), FIELD(wall_ns), FIELD(random), FIELD(post), FIELD(timer),
             FIELD(cancel), FIELD(grace_period)); }
  { using table = postbus_settings;
    IS_TABLE(40, FIELD(size), FIELD(flags), FIELD(integer), FIELD(number), FIELD(boolean), FIELD(text)); }
  { using table = postbus_metrics; IS_TABLE(24, FIELD(size), FIELD(flags), FIELD(define), FIELD(add)); }
  { using table = postbus_publisher; IS_TABLE(16, FIELD(size), FIELD(flags), FIELD(publish)); }
  { using table = postbus_work;
    IS_TABLE(88, FIELD(id), FIELD(topic), FIELD(subscription), FIELD(params), FIELD(param_count), FIELD(since_ns),
             FIELD(ticket), FIELD(attempt), FIELD(stop_requested)); }
  { using table = postbus_inflight; IS_TABLE(24, FIELD(size), FIELD(flags), FIELD(list), FIELD(request_stop)); }
  { using table = postbus_flow; IS_TABLE(24, FIELD(size), FIELD(flags), FIELD(resume), FIELD(recall)); }
}

void library_tables() {
  { using table = postbus_plugin;
    IS_TABLE(40, FIELD(size), FIELD(flags), FIELD(start), FIELD(stop), FIELD(destroy), FIELD(interface)); }
  { using table = postbus_plugin_desc; IS_TABLE(24, FIELD(size), FIELD(flags), FIELD(id), FIELD(create)); }
  { using table = postbus_module;
    IS_TABLE(40, FIELD(magic), FIELD(size), FIELD(abi_major), FIELD(abi_minor), FIELD(min_host_minor), FIELD(reserved),
             FIELD(manifest), FIELD(plugins), FIELD(plugin_count)); }
}

void transport_tables() {
  { using table = postbus_out;
    IS_TABLE(40, FIELD(event), FIELD(wire), FIELD(wire_count), FIELD(not_before_ns), FIELD(slot)); }
  { using table = postbus_receipt; IS_TABLE(24, FIELD(status), FIELD(flags), FIELD(position)); }
  { using table = postbus_delivery;
    IS_TABLE(96, FIELD(event), FIELD(topic), FIELD(position), FIELD(wire), FIELD(token), FIELD(first_ns), FIELD(attempt),
             FIELD(flags)); }
  { using table = postbus_notice;
    IS_TABLE(56, FIELD(size), FIELD(kind), FIELD(since_ns), FIELD(until_ns), FIELD(dropped), FIELD(reason), FIELD(err)); }
  { using table = postbus_sink; IS_TABLE(32, FIELD(size), FIELD(flags), FIELD(ctx), FIELD(deliver), FIELD(notice)); }
  { using table = postbus_sub;
    IS_TABLE(80, FIELD(size), FIELD(from), FIELD(pattern), FIELD(group), FIELD(position), FIELD(from_ns), FIELD(lease_ns),
             FIELD(credit), FIELD(flags)); }
  { using table = postbus_settle; IS_TABLE(32, FIELD(token), FIELD(what), FIELD(reason), FIELD(value_ns), FIELD(dead)); }
  { using table = postbus_transport;
    IS_TABLE(80, FIELD(size), FIELD(can), FIELD(needs), FIELD(flags), FIELD(data_max), FIELD(publish), FIELD(subscribe),
             FIELD(credit), FIELD(settle), FIELD(quiesce), FIELD(unsubscribe), FIELD(room)); }
}

void feature_and_store_tables() {
  { using table = postbus_item;
    IS_TABLE(88, FIELD(event), FIELD(key), FIELD(ticket), FIELD(memo), FIELD(cause), FIELD(verdict), FIELD(reason),
             FIELD(outcome), FIELD(attempt), FIELD(replacement), FIELD(subscriber), FIELD(can), FIELD(reserved)); }
  { using table = postbus_subscriber;
    IS_TABLE(48, FIELD(size), FIELD(flags), FIELD(number), FIELD(pattern), FIELD(group)); }
  { using table = postbus_interceptor;
    IS_TABLE(24, FIELD(size), FIELD(stages), FIELD(needs), FIELD(flags), FIELD(on_batch)); }
  { using table = postbus_verdict; IS_TABLE(24, FIELD(ticket), FIELD(verdict), FIELD(reason), FIELD(replacement)); }
  { using table = postbus_op;
    IS_TABLE(120, FIELD(kind), FIELD(flags), FIELD(key), FIELD(field), FIELD(dest), FIELD(value), FIELD(expect), FIELD(number),
             FIELD(limit), FIELD(ttl_ns), FIELD(group), FIELD(reserved)); }
  { using table = postbus_op_result; IS_TABLE(24, FIELD(status), FIELD(value_count), FIELD(number), FIELD(values)); }
  { using table = postbus_store; IS_TABLE(32, FIELD(size), FIELD(flags), FIELD(execute), FIELD(watch), FIELD(unwatch)); }
  { using table = postbus_control; IS_TABLE(16, FIELD(size), FIELD(flags), FIELD(call)); }
}
// clang-format on

}  // namespace

TEST_CASE("every table of plugin.h is as long and as dense as it is written here", "[contract]") {
  words();  // what they assert was checked when this was compiled
  host_tables();
  library_tables();
  transport_tables();
  feature_and_store_tables();
}

TEST_CASE("the module begins with the letters PBS1", "[contract]") {
  const std::uint32_t magic = POSTBUS_MAGIC;
  CHECK(std::memcmp(&magic, "PBS1", 4) == 0);
}

TEST_CASE("a table of an older size has what it covers, and no more", "[contract]") {
  postbus_settings older{};
  older.size = offsetof(postbus_settings, boolean);
  older.number = [](void*, postbus_str, double*) { return std::int32_t{POSTBUS_OK}; };
  older.boolean = [](void*, postbus_str, std::int32_t*) { return std::int32_t{POSTBUS_OK}; };
  CHECK(POSTBUS_HAS(&older, number));
  CHECK(!POSTBUS_HAS(&older, boolean));
  older.size = offsetof(postbus_settings, text) - 1;  // half a field is none
  CHECK(!POSTBUS_HAS(&older, boolean));
  CHECK(POSTBUS_CAN(&older, number));
  CHECK(!POSTBUS_CAN(&older, boolean));
  older.size = sizeof older;
  CHECK(POSTBUS_CAN(&older, boolean));
  CHECK(POSTBUS_HAS(&older, text));
  CHECK(!POSTBUS_CAN(&older, text));
}
