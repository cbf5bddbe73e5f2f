// What can be asked about schedules, by bus.call(), the admin socket and the command line:
//
//   schedules.list    {}                                                      [{"name", "topic", …}]
//   schedules.set     {"name", "topic", "data", "every" or "cron", …}          {"created": true, or false where it was changed}
//   schedules.remove  {"name"}                                                {"removed": whether it was there}
#include "engine/engine.hpp"
#include "engine/waiter.hpp"
#include "schedule_json.hpp"

#include <postbus/sdk/names.hpp>

namespace postbus {
namespace {

// Waits for the store.
bool wait_for(detail::engine& owner, const std::string& name,
              const std::function<void(detail::schedules::done)>& begin) {
  struct answered {
    detail::waiter done;
    std::string fault;
    bool changed = false;
  };
  if (owner.in_handler())
    throw error(error::would_block, "schedule '" + name + "' from a handler of this bus",
                "a thread that may wait", "");
  const auto answer = std::make_shared<answered>();
  begin([answer](std::string fault, bool changed) {
    answer->fault = std::move(fault);
    answer->changed = changed;
    sdk::answer(answer->done.done(), POSTBUS_OK);
  });
  if (!answer->done.wait(*owner.rt, owner.rt->now_ns() + 30'000'000'000))
    throw error(error::timed_out, "schedule '" + name + "'", "an answer of the store", "");
  if (!answer->fault.empty())
    throw error(error::unavailable, "schedule '" + name + "': " + answer->fault, "", "");
  return answer->changed;
}

}  // namespace

bool bus::set_schedule(const std::string& name, const schedule& what) {
  return wait_for(*engine_, name,
                  [&](detail::schedules::done tell) { engine_->timetable.set(name, what, std::move(tell)); });
}
bool bus::remove_schedule(const std::string& name) {
  return wait_for(*engine_, name,
                  [&](detail::schedules::done tell) { engine_->timetable.remove(name, std::move(tell)); });
}
std::vector<std::pair<std::string, schedule>> bus::schedules() const { return engine_->timetable.all(); }

}  // namespace postbus

namespace postbus::detail {

std::vector<std::string> schedule_method_names() {
  return {"schedules.list", "schedules.set", "schedules.remove"};
}

void engine::call_schedules(std::string_view method, std::string_view text, call_answer tell) {
  if (method == "list") {
    json::array list;
    for (const auto& [name, what] : timetable.all()) {
      json::object row{{"name", name}};
      for (const auto& [key, value] : to_json(what)) row[key] = value;
      list.push_back(std::move(row));
    }
    return tell(POSTBUS_OK, json::serialize(list));
  }
  boost::system::error_code ec;
  const json::value args = json::parse(text, ec);
  const json::value* name = !ec && args.is_object() ? args.get_object().if_contains("name") : nullptr;
  const std::string whole = "schedules." + std::string(method);
  if (method != "set" && method != "remove")
    throw error(error::no_such_method, "a call of '" + whole + "'",
                "one of " + sdk::list_of(schedule_method_names()), "");
  if (name == nullptr || !name->is_string())
    throw error(error::bad_argument, "'" + whole + "' without a name", "{\"name\": …}", "");
  const bool sets = method == "set";
  const auto answered = [tell, sets](std::string fault, bool changed) {
    if (!fault.empty()) return tell(POSTBUS_E_UNAVAILABLE, std::move(fault));
    tell(POSTBUS_OK, json::serialize(json::object{{sets ? "created" : "removed", changed}}));
  };
  const std::string who(std::string_view(name->get_string()));
  if (sets) timetable.set(who, schedule_from_json(text), answered);
  else timetable.remove(who, answered);
}

}  // namespace postbus::detail
