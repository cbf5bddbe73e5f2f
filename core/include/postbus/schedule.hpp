// schedule: an event that is published again and again, at fixed times.
#pragma once

#include <chrono>
#include <string>

namespace postbus {

// A record in the store of the bus, under a name: every bus with that store knows it, and at each of its times one of them publishes the
// event, with the id NAME@T, T in seconds since 1970. Times that pass while no bus is there are not made up for.
struct schedule {
  std::string topic, data;
  // One of the two. `every`: at the multiples of it since 1970-01-01T00:00:00Z, so that all buses mean the same times; at least 1 s, in
  // whole seconds. `cron`: five fields in UTC, "minute hour day-of-month month day-of-week", each *, a number, a range, a list, with
  // a step (*/5); days of the week from 0 (Sunday) to 6, 7 is Sunday too; when both kinds of day are restricted either is enough.
  std::chrono::seconds every{0};
  std::string cron{};
  std::string key{}, content_type{};
};

}  // namespace postbus
