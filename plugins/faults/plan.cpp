#include "plan.hpp"

#include <postbus/sdk/names.hpp>
#include <postbus/sdk/units.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <functional>
#include <vector>

namespace postbus::faults {
namespace {

namespace json = boost::json;

// The setting that says how long a fault lasts; empty: it is over at once.
std::string_view lasting(fault f) {
  switch (f) {
    case fault::delay:
      return "delay_max";
    case fault::disconnect:
      return "disconnect_time";
    case fault::stall:
      return "stall_max";
    default:
      return "";
  }
}

[[noreturn]] void refuse(std::string_view name, const json::value& value, std::string_view wanted) {
  throw sdk::failure(POSTBUS_E_INVALID, std::string(name) + " = " + json::serialize(value) + "; expected " +
                                            std::string(wanted));
}

double chance_of(std::string_view name, const json::value& value) {
  const double chance = value.is_number() ? value.to_number<double>() : -1;
  if (chance < 0 || chance > 1) refuse(name, value, "a number from 0 to 1");
  return chance;
}

std::int64_t duration_of(std::string_view name, const json::value& value) {
  const auto ns = value.is_string() ? sdk::parse_duration(value.get_string()) : std::nullopt;
  if (!ns || *ns < 1) refuse(name, value, sdk::duration_examples);
  return *ns;
}

std::uint64_t seed_of(const json::value& value) {
  if (!value.is_int64() || value.get_int64() < 0) refuse("seed", value, "an integer from 0");
  return static_cast<std::uint64_t>(value.get_int64());
}

json::object parse(std::string_view text) {
  json::error_code ec;
  json::value value = json::parse(text, ec);
  if (ec || !value.is_object())
    throw sdk::failure(POSTBUS_E_INVALID,
                       "'" + std::string(text) + "'; expected an object such as {\"drop\": 0.1}");
  return std::move(value.get_object());
}

}  // namespace

plan::plan(const sdk::context& ctx, std::span<const fault> kinds)
    : dice_(static_cast<std::uint64_t>(ctx.integer("seed"))) {
  for (const fault f : kinds) {
    entry& e = of(f);
    e.is_known = true;
    e.chance = ctx.number(fault_names[static_cast<unsigned>(f)]);
    if (const auto name = lasting(f); !name.empty()) e.most_ns = ctx.integer(name);
  }
}

bool plan::strikes(fault f) noexcept {
  entry& e = of(f);
  if (!dice_.falls(e.chance.load(std::memory_order_relaxed))) return false;
  e.struck.fetch_add(1, std::memory_order_relaxed);
  return true;
}

std::chrono::nanoseconds plan::length(fault f) noexcept {
  return f == fault::disconnect ? longest(f) : dice_.up_to(longest(f));
}

std::string plan::names_of_settings() const {
  std::vector<std::string> names{"seed"};
  for (unsigned i = 0; i < entries_.size(); ++i) {
    if (!entries_[i].is_known) continue;
    names.emplace_back(fault_names[i]);
    if (const auto name = lasting(static_cast<fault>(i)); !name.empty()) names.emplace_back(name);
  }
  return sdk::list_of(names);
}

void plan::set(std::string_view text) {
  std::vector<std::function<void()>> changes;
  for (const auto& [key, value] : parse(text)) {
    const std::string_view name = key;
    const std::size_t before = changes.size();
    if (name == "seed") changes.emplace_back([this, seed = seed_of(value)] { dice_.reseed(seed); });
    for (unsigned i = 0; i < entries_.size(); ++i) {
      entry& e = entries_[i];
      if (e.is_known && name == fault_names[i])
        changes.emplace_back([&e, chance = chance_of(name, value)] { e.chance = chance; });
      if (e.is_known && name == lasting(static_cast<fault>(i)))
        changes.emplace_back([&e, ns = duration_of(name, value)] { e.most_ns = ns; });
    }
    if (changes.size() == before)
      throw sdk::failure(POSTBUS_E_INVALID,
                         "'" + std::string(name) + "'; expected one of " + names_of_settings());
  }
  for (const auto& change : changes) change();
}

std::string plan::stats(bool connected) const {
  json::object counts{{"connected", connected}};
  for (unsigned i = 0; i < entries_.size(); ++i)
    if (entries_[i].is_known) counts.emplace(fault_names[i], entries_[i].struck.load());
  return json::serialize(counts);
}

}  // namespace postbus::faults
