#include "store_check.hpp"

#include <postbus/sdk/abi.hpp>

#include <iterator>

namespace postbus::memory {
namespace {

constexpr std::uint32_t conditions = POSTBUS_IF_ABSENT | POSTBUS_IF_PRESENT | POSTBUS_IF_EQUAL;
// Where `number` says nothing else than what the condition compares.
constexpr std::uint32_t numeric = conditions | POSTBUS_IF_AT_LEAST | POSTBUS_IF_AT_MOST | POSTBUS_STORE_TIME;
constexpr std::uint32_t needs_key = 1, needs_field = 2, needs_member = 4;

struct rule {
  const char* name;
  std::uint32_t flags, needs = needs_key;
};
constexpr rule rules[] = {
    // by kind
    {"CHECK", numeric},
    {"GET", numeric},
    {"SET", numeric},
    {"ERASE", numeric},
    {"ADD", conditions},
    {"EXPIRE", numeric},
    {"LIST_PUSH", conditions | POSTBUS_FRONT},
    {"LIST_TAKE", conditions | POSTBUS_FRONT},
    {"LIST_RANGE", conditions},
    {"LIST_LEN", conditions},
    {"HASH_SET", numeric, needs_key | needs_field},
    {"HASH_ADD", conditions, needs_key | needs_field},
    {"HASH_ERASE", numeric, needs_key | needs_field},
    {"HASH_ALL", conditions},
    {"HASH_TAKE", numeric},
    {"ZSET_PUT", numeric, needs_key | needs_member},
    {"ZSET_ERASE", numeric, needs_key | needs_member},
    {"ZSET_RANGE", conditions | POSTBUS_FRONT | POSTBUS_STORE_TIME},
    {"ZSET_TAKE", conditions | POSTBUS_FRONT | POSTBUS_STORE_TIME},
    {"ZSET_COUNT", conditions | POSTBUS_FRONT | POSTBUS_STORE_TIME},
    {"WINDOW", conditions},
    {"SCAN", 0, 0},
    {"NOTIFY", conditions},
};

// What is wrong with it, and what was wanted; empty: nothing.
std::string problem(const postbus_op& op) {
  if (op.kind >= std::size(rules)) return "found no such kind; wanted one of plugin.h";
  const rule& r = rules[op.kind];
  if ((r.needs & needs_key) != 0 && op.key.len == 0) return "found no key; wanted one";
  if ((r.needs & needs_field) != 0 && op.field.len == 0) return "found no field; wanted the name of one";
  if ((r.needs & needs_member) != 0 && op.value.len == 0) return "found no value; wanted the member";
  if (const std::uint32_t more = op.flags & ~r.flags; more != 0)
    return "found the flags " + std::to_string(more) + ", which mean nothing here; wanted none but " +
           std::to_string(r.flags);
  if (op.limit < 0 || op.ttl_ns < 0)
    return "found limit " + std::to_string(op.limit) + " and ttl_ns " + std::to_string(op.ttl_ns) +
           "; wanted neither below 0";
  if (op.kind == POSTBUS_WINDOW && (op.number < 1 || op.limit < op.number || op.ttl_ns == 0))
    return "found number " + std::to_string(op.number) + ", limit " + std::to_string(op.limit) +
           " and ttl_ns " + std::to_string(op.ttl_ns) + "; wanted 1 <= number <= limit, and a ttl_ns";
  return {};
}

}  // namespace

void check_ops(std::span<const postbus_op> ops) {
  for (std::size_t i = 0; i < ops.size(); ++i) {
    const std::string what = problem(ops[i]);
    if (what.empty()) continue;
    const std::uint32_t kind = ops[i].kind;
    throw sdk::failure(POSTBUS_E_INVALID,
                       "op " + std::to_string(i) + " (" +
                           (kind < std::size(rules) ? rules[kind].name : "kind " + std::to_string(kind)) +
                           "): " + what + "; correct it: nothing was done");
  }
}

}  // namespace postbus::memory
