// completion: exactly one answer, whatever becomes of the object; and stop, which waits for all of them.
#include "hosted.hpp"

#include <array>
#include <string>
#include <vector>

namespace sdk = postbus::sdk;
using namespace postbus::testing;

namespace {

// What a done heard.
struct heard {
  int times = 0;
  std::int32_t status = 1;
  const void* result = nullptr;
  std::string message, text;
  bool retryable = false;

  postbus_done done() {
    return {[](void* ctx, std::int32_t code, const void* with, const postbus_error* error) {
              auto& me = *static_cast<heard*>(ctx);
              ++me.times;
              me.status = code;
              me.result = with;
              me.message = error == nullptr ? "" : error->message;
              me.retryable = error != nullptr && error->retryable != 0;
            },
            this};
  }
};

struct stopped {
  bool value = false;
  postbus_done done() {
    return {[](void* ctx, std::int32_t, const void*, const postbus_error*) {
              static_cast<stopped*>(ctx)->value = true;
            },
            this};
  }
};

// A plugin that keeps the completions of its calls.
struct hoarder {
  explicit hoarder(sdk::context& c) : ctx(c) {}
  void call(std::string_view method, std::string_view, sdk::completion<std::string_view>&& done) {
    if (method == "keep") kept.push_back(std::move(done));
    if (method == "keep and throw") {
      kept.push_back(std::move(done));
      throw std::runtime_error("too late to matter");
    }
    if (method == "move and drop") const auto gone = std::move(done);
  }
  void stop(sdk::completion<>&& done) { at_stop = std::move(done); }
  sdk::context& ctx;
  std::vector<sdk::completion<std::string_view>> kept;
  sdk::completion<> at_stop;
};

}  // namespace

TEST_CASE("a completion answers once, and then owes nothing", "[completion]") {
  heard h;
  sdk::in_flight owner;
  sdk::completion<> done(h.done(), owner);
  CHECK(static_cast<bool>(done));
  done.ok();
  CHECK(!done);
  done.fail(POSTBUS_E_FAIL, "a second answer");
  CHECK(h.times == 1);
  CHECK(h.status == POSTBUS_OK);
  CHECK(h.result == nullptr);
}

TEST_CASE("a completion that is dropped answers CANCELLED", "[completion]") {
  heard h;
  sdk::in_flight owner;
  { const sdk::completion<> done(h.done(), owner); }
  CHECK(h.times == 1);
  CHECK(h.status == POSTBUS_E_CANCELLED);
  CHECK(h.message == "the plugin dropped the call without an answer");
}

TEST_CASE("an empty completion, and one that was moved from, owe nothing", "[completion]") {
  heard h;
  sdk::in_flight owner;
  {
    sdk::completion<> empty;
    CHECK(!empty);
    empty.ok();
    sdk::completion<> first(h.done(), owner);
    const sdk::completion<> second(std::move(first));
    CHECK(!first);
    CHECK(static_cast<bool>(second));
    CHECK(h.times == 0);
  }
  CHECK(h.times == 1);
}

TEST_CASE("assigning over a completion answers the one that was there", "[completion]") {
  heard old, now;
  sdk::in_flight owner;
  sdk::completion<> held(old.done(), owner);
  held = sdk::completion<>(now.done(), owner);
  CHECK(old.status == POSTBUS_E_CANCELLED);
  CHECK(now.times == 0);
  auto& same = held;
  held = std::move(same);
  CHECK(now.times == 0);
  held.ok();
  CHECK(now.status == POSTBUS_OK);
}

TEST_CASE("each kind of result reaches the done as plugin.h has it", "[completion]") {
  heard h;
  sdk::in_flight owner;
  int subscription = 0;
  sdk::completion<int*>(h.done(), owner).ok(&subscription);
  CHECK(h.result == &subscription);
  const std::array<std::int32_t, 2> statuses{POSTBUS_OK, POSTBUS_E_FULL};
  sdk::settle_completion(h.done(), owner).ok(statuses);
  CHECK(h.result == statuses.data());
  sdk::settle_completion(h.done(), owner).ok();
  CHECK(h.result == nullptr);
  std::string text;
  sdk::completion<std::string_view>({[](void* ctx, std::int32_t, const void* result, const postbus_error*) {
                                       *static_cast<std::string*>(ctx) =
                                           sdk::view(*static_cast<const postbus_str*>(result));
                                     },
                                     &text},
                                    owner)
      .ok("{}");
  CHECK(text == "{}");
}

TEST_CASE("a failure carries its code, whether to try again, and 499 bytes of its message", "[completion]") {
  heard h;
  sdk::in_flight owner;
  sdk::completion<>(h.done(), owner).fail(POSTBUS_E_FULL, "no room", true);
  CHECK(h.status == POSTBUS_E_FULL);
  CHECK(h.message == "no room");
  CHECK(h.retryable);
  sdk::completion<>(h.done(), owner).fail(POSTBUS_E_FAIL, std::string(1000, 'x'));
  CHECK(h.message == std::string(499, 'x'));
  CHECK(!h.retryable);
}

TEST_CASE("a done without a function is nobody waiting", "[completion]") {
  sdk::in_flight owner;
  sdk::completion<> done({}, owner);
  done.ok();
  CHECK(!done);
}

TEST_CASE("only what was moved away is waited for", "[completion]") {
  heard h;
  stopped s;
  sdk::in_flight owner;
  sdk::completion<> inside(h.done(), owner);  // lives as long as its call, and no call runs at stop
  owner.finish(s.done());
  CHECK(s.value);
  inside.ok();
  CHECK(h.times == 1);
}

TEST_CASE("stop waits for the last completion that was moved, after its done ran", "[completion]") {
  heard h;
  stopped s;
  sdk::in_flight owner;
  sdk::completion<> first(h.done(), owner), second(h.done(), owner);
  sdk::completion<> a(std::move(first)), b(std::move(second));
  sdk::completion<> c(std::move(a));  // still one
  owner.finish(s.done());
  CHECK(!s.value);
  b.ok();
  CHECK(!s.value);
  c.fail(POSTBUS_E_FAIL, "");
  CHECK(s.value);
  CHECK(h.times == 2);
}

TEST_CASE("a call that is never answered is answered CANCELLED when the plugin lets go of it",
          "[completion]") {
  hosted<hoarder> host;
  CHECK(host.call("drop at once").status() == POSTBUS_E_CANCELLED);
  CHECK(host.call("move and drop").status() == POSTBUS_E_CANCELLED);
  host.it().at_stop = {};
  const answer kept = host.call("keep");
  CHECK(!kept.ready());
  host.it().kept.clear();
  CHECK(kept.status() == POSTBUS_E_CANCELLED);
  CHECK(kept.message() == "the plugin dropped the call without an answer");
  const answer s = host.stop();
  host.it().at_stop.ok();
  CHECK(s);
}

TEST_CASE("an exception does not answer a completion that was moved before", "[completion]") {
  hosted<hoarder> host;
  const answer a = host.call("keep and throw");
  CHECK(!a.ready());
  host.it().kept[0].ok("late");
  CHECK(a.text() == "late");
  host.stop();
  host.it().at_stop.ok();
}

TEST_CASE("stop completes when the last completion is answered, the author's own stop included",
          "[completion]") {
  hosted<hoarder> host;
  const answer first = host.call("keep"), second = host.call("keep");
  const answer s = host.stop();
  CHECK(!s.ready());
  host.it().kept[1].ok("two");
  host.it().at_stop.ok();
  CHECK(!s.ready());
  host.it().kept[0].ok("one");
  CHECK(s);
  CHECK(first.text() == "one");
  CHECK(second.text() == "two");
  host.destroy();
}

TEST_CASE("stop waits for what was posted and for a grace period", "[completion]") {
  hosted<hoarder> host;
  std::string order;
  host.it().ctx.post([&] { order += "posted "; });
  host.it().ctx.after_grace_period([&] { order += "grace "; });
  host.it().at_stop = {};
  const answer s = host.stop();  // runs the clock
  host.it().at_stop.ok();
  CHECK(s);
  CHECK(order == "posted grace ");
}
