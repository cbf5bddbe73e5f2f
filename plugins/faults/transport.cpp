#include "transport.hpp"

#include <algorithm>

namespace postbus::faults {
namespace {

constexpr fault kinds[] = {fault::drop,       fault::duplicate, fault::reorder, fault::delay,
                           fault::disconnect, fault::stall,     fault::fail};
constexpr std::string_view down = "the link is down, as it was told to be";

// Receipts that outlive the call they came in; none: all is well.
class receipts {
 public:
  receipts() = default;
  explicit receipts(std::span<const postbus_receipt> all) {
    for (const postbus_receipt& r : all) add(r);
  }
  void add(const postbus_receipt& r) {
    all_.push_back(r);
    positions_.push_back(std::make_unique<std::string>(sdk::view(r.position)));
    all_.back().position = sdk::str(*positions_.back());
  }
  const void* result() const noexcept { return all_.empty() ? nullptr : all_.data(); }

 private:
  std::vector<postbus_receipt> all_;
  std::vector<std::unique_ptr<std::string>> positions_;  // where they are, however often this moves
};

struct statuses {
  std::vector<std::int32_t> all;
  const void* result() const noexcept { return all.empty() ? nullptr : all.data(); }
};

// Of an event that was not sent.
constexpr std::size_t nowhere = static_cast<std::size_t>(-1);

// What the events as they were given have become. One that was lost is well, unless one before it found no room: behind that, all of a
// batch find none.
receipts in_places(const postbus_receipt* sent, const std::vector<std::size_t>& places) {
  receipts given;
  postbus_receipt lost{};
  for (const std::size_t place : places) {
    const postbus_receipt& r = place == nowhere ? lost : sent[place];
    if (r.status == POSTBUS_E_FULL) lost.status = POSTBUS_E_FULL;
    given.add(r);
  }
  return given;
}

}  // namespace

faulty_transport::faulty_transport(sdk::context& ctx)
    : transport_wrapper(ctx),
      ctx_(ctx),
      plan_(ctx, kinds),
      link_(ctx, plan_, [this](std::int64_t since) { come_back(since); }) {}

void faulty_transport::stop(sdk::completion<>&& done) {
  link_.stop();
  done.ok();
}

void faulty_transport::publish(std::span<const postbus_out> events, sdk::publish_completion&& done) {
  if (link_.is_down_now()) return done.fail(POSTBUS_E_UNAVAILABLE, down, true);
  const bool late = plan_.strikes(fault::stall);
  const bool changes = plan_.may_strike(fault::drop) || plan_.may_strike(fault::duplicate);
  if (!changes && !late) return transport_wrapper::publish(events, std::move(done));
  std::vector<postbus_out> sent;
  std::vector<std::size_t> places;  // of each event among those that are sent
  for (const postbus_out& event : events) {
    const bool is_lost = plan_.strikes(fault::drop);
    places.push_back(is_lost ? nowhere : sent.size());
    if (is_lost) continue;
    sent.push_back(event);
    if (plan_.strikes(fault::duplicate)) sent.push_back(event);
  }
  if (sent.empty() && !late) return done.ok();
  send(std::move(sent), std::move(places), late, std::move(done));
}

void faulty_transport::send(std::vector<postbus_out> events, std::vector<std::size_t> places, bool late,
                            sdk::publish_completion&& done) {
  const std::span<const postbus_out> all = events;
  // They are borrowed until they are answered, so the answer keeps them.
  const postbus_done answered = sdk::when_answered(
      done, [this, late, events = std::move(events), places = std::move(places)](
                postbus_done to, std::int32_t status, const void* result, const postbus_error* error) {
        receipts given;
        if (status == POSTBUS_OK && result != nullptr)
          sdk::detail::guarded(
              [&] { given = in_places(static_cast<const postbus_receipt*>(result), places); },
              [&](std::int32_t, std::string_view) { status = POSTBUS_E_UNKNOWN; });
        if (!late) return sdk::answer(to, status, given.result(), error);
        link_.answer_later(to, status, std::move(given), error);
      });
  if (all.empty()) return sdk::answer(answered, POSTBUS_OK);
  wrapped().publish(wrapped_self(), all.data(), all.size(), answered);
}

void faulty_transport::subscribe(const postbus_sub& request, const sdk::sink& to,
                                 sdk::completion<subscription*>&& done) {
  const auto s =
      std::make_shared<held_back>(ctx_, plan_, link_, to, request.credit != POSTBUS_CREDIT_UNLIMITED);
  const postbus_done answered = sdk::when_answered(
      done,
      [this, s](postbus_done host, std::int32_t status, const void* result, const postbus_error* error) {
        s->wrapped = const_cast<void*>(result);
        if (status != POSTBUS_OK) forget(*s);
        sdk::answer(host, status, status == POSTBUS_OK ? s.get() : nullptr, error);
      });
  {
    const std::lock_guard lock(mutex_);
    subscriptions_.push_back(s);
  }
  wrapped().subscribe(wrapped_self(), &request, s->sink(), answered);
}

void faulty_transport::unsubscribe(subscription& s, sdk::completion<>&& done) {
  s.close();
  const postbus_done answered = sdk::when_answered(
      done, [this, &s](postbus_done host, std::int32_t status, const void*, const postbus_error* error) {
        forget(s);
        sdk::answer(host, status, nullptr, error);
      });
  wrapped().unsubscribe(wrapped_self(), s.wrapped, answered);
}

void faulty_transport::forget(const held_back& s) {
  std::shared_ptr<held_back> gone;
  const std::lock_guard lock(mutex_);
  const auto at = std::find_if(subscriptions_.begin(), subscriptions_.end(),
                               [&](const auto& one) { return one.get() == &s; });
  if (at == subscriptions_.end()) return;
  gone = std::move(*at);
  subscriptions_.erase(at);
}

void faulty_transport::quiesce(subscription& s, sdk::completion<>&& done) {
  s.close();
  wrapped().quiesce(wrapped_self(), s.wrapped, done.pass_on());
}

void faulty_transport::settle(std::span<const postbus_settle> items, sdk::settle_completion&& done) {
  if (link_.is_down()) return done.fail(POSTBUS_E_UNAVAILABLE, down, true);
  if (plan_.strikes(fault::fail))
    return done.fail(POSTBUS_E_UNAVAILABLE, "the settlement fails, as it was told to", true);
  if (!plan_.strikes(fault::stall)) return transport_wrapper::settle(items, std::move(done));
  const postbus_done answered =
      sdk::when_answered(done, [this, n = items.size()](postbus_done to, std::int32_t status,
                                                        const void* result, const postbus_error* error) {
        statuses copy;
        const auto* each = status == POSTBUS_OK ? static_cast<const std::int32_t*>(result) : nullptr;
        if (each != nullptr)
          sdk::detail::guarded([&] { copy.all.assign(each, each + n); },
                               [&](std::int32_t, std::string_view) { status = POSTBUS_E_UNKNOWN; });
        link_.answer_later(to, status, std::move(copy), error);
      });
  wrapped().settle(wrapped_self(), items.data(), items.size(), answered);
}

void faulty_transport::come_back(std::int64_t since_ns) {
  std::vector<std::shared_ptr<held_back>> all;
  {
    const std::lock_guard lock(mutex_);
    all = subscriptions_;
  }
  for (const auto& s : all) s->come_back(since_ns);
}

void faulty_transport::call(std::string_view method, std::string_view json,
                            sdk::completion<std::string_view>&& done) {
  if (method == "set") plan_.set(json);
  done.ok(plan_.stats(!link_.is_down()));
}

}  // namespace postbus::faults
