// What can be asked about dead letters, by bus.call(), the admin socket and the command line:
//
//   dead.boxes    {}                                                    [{"box", "events"}]
//   dead.list     {"box", "after", FILTER}                              {"letters": [{"entry", "id", "topic", …}], "after"}
//   dead.show     {"box", "entry"}                                      the event
//   dead.requeue  {"box", "entry"} or {"box", "all": true, FILTER, "rate": N/s, "max"}   {"requeued", "failed"}
//   dead.purge    {"box", "entry"} or {"box", "all": true, FILTER, "max"}                {"purged"}
//
// FILTER: "topic" (a pattern), "reason", "error" (a part of it).
#include "admin/admin_json.hpp"
#include "admin/admin_request.hpp"
#include "dead_letters.hpp"
#include "engine/engine.hpp"

#include <postbus/json.hpp>

#include <postbus/sdk/names.hpp>
#include <postbus/sdk/topic.hpp>

namespace postbus::detail {
namespace {

using call_answer = engine::call_answer;

void answer(const call_answer& tell, const json::value& result) { tell(POSTBUS_OK, json::serialize(result)); }

std::string_view header_of(const postbus_event& event, std::string_view name) {
  return sdk::header(event, name).value_or("");
}

struct filter {
  std::string topic, reason, error;

  explicit filter(const admin_arguments& args)
      : topic(args.text("topic")), reason(args.text("reason")), error(args.text("error")) {
    if (!topic.empty() && sdk::check_pattern(topic)) args.refuse("topic", "a pattern");
  }
  bool takes(const postbus_event* event) const {
    if (topic.empty() && reason.empty() && error.empty()) return true;
    if (event == nullptr) return false;
    return (topic.empty() || sdk::matches(topic, sdk::view(event->topic))) &&
           (reason.empty() || header_of(*event, "deadreason") == reason) &&
           (error.empty() || header_of(*event, "deaderror").find(error) != std::string_view::npos);
  }
};

json::object row_of(const dead_letters::letter& l) {
  json::object row{{"entry", json_text(l.entry)}};
  if (l.event == nullptr) return row["reason"] = "unreadable", row;
  const postbus_event& e = *l.event;
  row["id"] = json_text(sdk::view(e.id));
  row["source"] = json_text(sdk::view(e.source));
  row["topic"] = json_text(sdk::view(e.topic));
  for (const char* name : {"reason", "error", "group", "deliveries", "firsttime", "time"})
    if (const auto value = sdk::header(e, "dead" + std::string(name)))
      row[name] = std::string_view(name) == "deliveries" ? json::value(std::stoul(std::string(*value)))
                                                         : json::value(json_text(*value));
  row["bytes"] = e.data.len;
  return row;
}

std::string cursor_text(const dead_letters::cursor& c) { return std::to_string(c.time_ns) + " " + c.entry; }
dead_letters::cursor cursor_of(const admin_arguments& args) {
  const std::string_view text = args.text("after");
  const std::size_t space = text.find(' ');
  if (text.empty()) return {};
  if (space == std::string_view::npos) args.refuse("after", "what an earlier answer gave");
  dead_letters::cursor c;
  c.entry = text.substr(space + 1);
  c.time_ns = std::strtoll(std::string(text.substr(0, space)).c_str(), nullptr, 10);
  return c;
}

void boxes(engine& bus, const admin_arguments&, const call_answer& tell) {
  bus.dead.boxes([tell](auto all, std::string fault) {
    if (!fault.empty()) return tell(POSTBUS_E_UNAVAILABLE, std::move(fault));
    json::array list;
    for (const auto& [box, n] : all) list.push_back(json::object{{"box", json_text(box)}, {"events", n}});
    answer(tell, list);
  });
}

void list(engine& bus, const admin_arguments& args, const call_answer& tell) {
  bus.dead.list(args.required_text("box"), cursor_of(args),
                [tell, wanted = filter(args)](dead_letters::page p) {
                  if (!p.fault.empty()) return tell(POSTBUS_E_UNAVAILABLE, std::move(p.fault));
                  json::object result;
                  json::array& letters = result["letters"].emplace_array();
                  for (const auto& l : p.letters)
                    if (wanted.takes(l.event)) letters.push_back(row_of(l));
                  if (p.next) result["after"] = json_text(cursor_text(*p.next));
                  answer(tell, result);
                });
}

void not_there(const call_answer& tell, const std::string& box, const std::string& entry) {
  tell(POSTBUS_E_INVALID, "no '" + entry + "' in the box '" + box + "'; `dead.list` names its entries");
}

void show(engine& bus, const admin_arguments& args, const call_answer& tell) {
  std::string box(args.required_text("box")), entry(args.required_text("entry"));
  bus.dead.find(box, entry, [tell, box, entry](dead_letters::page p) {
    if (!p.fault.empty()) return tell(POSTBUS_E_UNAVAILABLE, std::move(p.fault));
    if (p.letters.empty() || p.letters[0].event == nullptr) return not_there(tell, box, entry);
    json::object o = to_json(event_access::adopt(p.letters[0].event->keep()));
    o["entry"] = json_text(p.letters[0].entry);
    answer(tell, o);
  });
}

// Goes through a box, a page at a time, and one letter at a time where they are sent back. Each step is a task of its own.
class walk : public std::enable_shared_from_this<walk> {
 public:
  walk(engine& bus, const admin_arguments& args, call_answer tell, bool requeues)
      : bus_(bus.shared_from_this()),
        box_(args.required_text("box")),
        entry_(args.text("entry")),
        wanted_(args),
        tell_(std::move(tell)),
        requeues_(requeues),
        most_(args.number("max", 1, UINT32_MAX).value_or(UINT64_MAX)) {
    const json::value* all = args.find("all");
    if (entry_.empty() != (all != nullptr && all->is_bool() && all->get_bool()))
      throw error(error::bad_argument,
                  "'dead." + std::string(requeues ? "requeue" : "purge") + "' with " +
                      (all == nullptr ? "neither entry nor all" : "entry and all, or all that is not true"),
                  "the entry of one event, or \"all\": true", "");
    if (requeues)
      if (const auto rate = args.number("rate", 1, 1'000'000))
        pause_ns_ = 1'000'000'000 / static_cast<std::int64_t>(*rate);
  }

  void start() {
    if (entry_.empty()) return next_page();
    bus_->dead.find(box_, entry_, [self = shared_from_this()](dead_letters::page p) {
      if (p.fault.empty() && p.letters.empty()) return not_there(self->tell_, self->box_, self->entry_);
      self->take(std::move(p));
    });
  }

 private:
  void later(std::int64_t delay_ns, void (walk::*next)()) {
    struct task {
      std::shared_ptr<walk> who;
      void (walk::*run)();
    };
    bus_->rt->timer(delay_ns, {[](void* ctx, std::int32_t status, const void*, const postbus_error*) {
                                 std::unique_ptr<task> t(static_cast<task*>(ctx));
                                 if (status != POSTBUS_OK) return t->who->end("the bus closed");
                                 engine& bus = *t->who->bus_;
                                 bus.rt->post(
                                     [](void* posted) {
                                       const std::unique_ptr<task> mine(static_cast<task*>(posted));
                                       ((*mine->who).*(mine->run))();
                                     },
                                     t.release());
                               },
                               new task{shared_from_this(), next}});
  }
  void next_page() {
    bus_->dead.list(box_, behind_,
                    [self = shared_from_this()](dead_letters::page p) { self->take(std::move(p)); });
  }
  void take(dead_letters::page p) {
    if (!p.fault.empty()) return end(std::move(p.fault));
    page_ = std::move(p.letters);
    next_ = std::move(p.next);
    std::erase_if(page_, [&](const auto& l) { return !wanted_.takes(l.event) && entry_.empty(); });
    at_ = 0;
    later(0, &walk::step);
  }
  void step() {
    if (done_ == most_) return end({});
    if (at_ == page_.size()) {
      if (!next_ || !entry_.empty()) return end({});
      behind_ = *next_;
      return next_page();
    }
    if (requeues_) return requeue(page_[at_++]);
    const std::size_t n = std::min<std::uint64_t>(page_.size() - at_, most_ - done_);
    const std::span<const dead_letters::letter> next(&page_[at_], n);
    at_ += n;
    done_ += n;
    erase(next);
  }
  // Published first, and erased when that is confirmed: what goes wrong between them comes twice, and is not lost.
  void requeue(const dead_letters::letter& l) {
    // Without a group nobody keeps it: with no subscription there it would be lost.
    const bool has_taker =
        l.event != nullptr && (!header_of(*l.event, "deadgroup").empty() || bus_->has_pattern(box_));
    if (!has_taker) return ++failed_, later(0, &walk::step);
    event_record* again = make_requeued(*l.event, box_, *bus_->rt);
    bus_->publish_own(*again, [self = shared_from_this(), &l](error_code failed, receipt) {
      if (failed) {
        ++self->failed_;
        return self->later(self->pause_ns_, &walk::step);
      }
      ++self->done_;
      self->erase({&l, 1});
    });
    again->release();
  }
  void erase(std::span<const dead_letters::letter> done_with) {
    bus_->dead.erase(box_, done_with, [self = shared_from_this()](std::string fault) {
      if (!fault.empty()) return self->end("what was done with is not erased: " + fault);
      self->later(self->pause_ns_, &walk::step);
    });
  }
  void end(std::string fault) {
    if (!fault.empty())
      return tell_(POSTBUS_E_UNAVAILABLE, fault + "; " + std::to_string(done_) + " were done before");
    json::object result{{requeues_ ? "requeued" : "purged", done_}};
    if (failed_ > 0) result["failed"] = failed_;
    answer(tell_, result);
  }

  const std::shared_ptr<engine> bus_;
  const std::string box_, entry_;
  const filter wanted_;
  const call_answer tell_;
  const bool requeues_;
  const std::uint64_t most_;
  std::int64_t pause_ns_ = 0;
  dead_letters::cursor behind_;
  std::optional<dead_letters::cursor> next_;
  std::vector<dead_letters::letter> page_;
  std::size_t at_ = 0;
  std::uint64_t done_ = 0, failed_ = 0;
};

void requeue(engine& bus, const admin_arguments& args, const call_answer& tell) {
  std::make_shared<walk>(bus, args, tell, true)->start();
}
void purge(engine& bus, const admin_arguments& args, const call_answer& tell) {
  std::make_shared<walk>(bus, args, tell, false)->start();
}

struct method {
  std::string_view name;
  std::vector<std::string> args;
  void (*run)(engine& bus, const admin_arguments& args, const call_answer& tell);
};

const std::vector<method>& dead_methods() {
  static const std::vector<method> all{
      {"boxes", {}, boxes},
      {"list", {"box", "after", "topic", "reason", "error"}, list},
      {"show", {"box", "entry"}, show},
      {"requeue", {"box", "entry", "all", "topic", "reason", "error", "rate", "max"}, requeue},
      {"purge", {"box", "entry", "all", "topic", "reason", "error", "max"}, purge}};
  return all;
}

}  // namespace

std::vector<std::string> dead_method_names() {
  std::vector<std::string> names;
  for (const method& m : dead_methods()) names.push_back("dead." + std::string(m.name));
  return names;
}

void engine::call_dead(std::string_view name, std::string_view text, call_answer tell) {
  const auto& all = dead_methods();
  const auto found = std::find_if(all.begin(), all.end(), [&](const method& m) { return m.name == name; });
  const std::string whole = "dead." + std::string(name);
  if (found == all.end())
    throw error(error::no_such_method, "a call of '" + whole + "'",
                "one of " + sdk::list_of(dead_method_names()), "");
  if (!dead.has_store())
    throw error(error::unsupported, "a call of '" + whole + "' on a bus without a store",
                "a store, where dead letters are", "set store.plugin = \"memory-store\"");
  boost::system::error_code ec;
  const json::value args = json::parse(text, ec);
  if (ec || !args.is_object())
    throw error(error::bad_argument, "'" + whole + "' with " + std::string(text), "a JSON object", "");
  found->run(*this, admin_arguments(whole, args.get_object(), found->args), tell);
}

}  // namespace postbus::detail
