// Calling a plugin's method without waiting for it.
#define POSTBUS_MODULE async_call_module
#define POSTBUS_PLUGIN_MANIFEST                                                         \
  R"({"id": "clerk", "version": "1.0.0", "abi": 1, "provides": ["postbus.control/1"],)" \
  R"( "methods": ["echo", "refuse", "keep"]})"
#include "support/bus.hpp"
#include "support/catch.hpp"

#include <postbus/testing/manual_clock.hpp>

#include <postbus/sdk/plugin.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

using namespace postbus;
using namespace postbus::tests;

namespace {

// Answers at once, or later from a task; keeps what it is told to keep until it is stopped.
class clerk {
 public:
  explicit clerk(sdk::context& ctx) : ctx_(ctx) {}
  void stop(sdk::completion<>&& done) {
    kept_.clear();
    done.ok();
  }
  void call(std::string_view method, std::string_view json, sdk::completion<std::string_view>&& done) {
    if (method == "refuse") return done.fail(POSTBUS_E_FULL, "no room");
    if (method == "keep") return kept_.push_back(std::move(done));
    ctx_.post([text = std::string(json), d = std::move(done)]() mutable { d.ok(text); });
  }

 private:
  sdk::context& ctx_;
  std::vector<sdk::completion<std::string_view>> kept_;
};

config with_clerk() { return config_for("memory").module(async_call_module).feature("clerk"); }

struct answer {
  bool came = false;
  error_code ec;
  std::string text;
  auto take() {
    return [this](error_code e, std::string t) {
      came = true;
      ec = e;
      text = std::move(t);
    };
  }
};

}  // namespace

POSTBUS_PLUGINS(POSTBUS_PLUGIN("clerk", clerk))

TEST_CASE("an answer comes to the token, and never inside the call", "[async_call]") {
  testing::manual_clock clock;
  bus b(with_clerk().clock(clock));
  answer echoed, refused, unknown;
  b.async_call("clerk.echo", R"({"a":1})", echoed.take());
  b.async_call("clerk.refuse", "{}", refused.take());
  b.async_call("clerk.nothing", "{}", unknown.take());
  CHECK_FALSE((echoed.came || refused.came || unknown.came));
  clock.run_until_idle();
  CHECK(echoed.text == R"({"a":1})");
  CHECK_FALSE(echoed.ec);
  CHECK(refused.ec == error::full);
  CHECK(refused.text == "no room");
  CHECK(unknown.ec == error::no_such_method);
  CHECK(unknown.text.find("wanted one of") != std::string::npos);
}

TEST_CASE("a coroutine handler and a future wait for the answer each in its way", "[async_call]") {
  bus b(with_clerk().threads(1));
  std::promise<std::string> heard;
  const auto s = b.subscribe("ask", [&](delivery d) -> boost::asio::awaitable<void> {
    heard.set_value(co_await b.async_call("clerk.echo", d.text(), boost::asio::use_awaitable));
  });
  b.publish("ask", "from a handler");
  CHECK(heard.get_future().get() == "from a handler");
  CHECK(b.async_call("clerk.echo", "from outside", boost::asio::use_future).get() == "from outside");
}

TEST_CASE("what a plugin does not answer is cancelled when it is stopped", "[async_call]") {
  testing::manual_clock clock;
  answer kept, late;
  {
    bus b(with_clerk().clock(clock));
    b.async_call("clerk.keep", "{}", kept.take());
    clock.run_until_idle();
    CHECK_FALSE(kept.came);
    b.close();
    b.async_call("clerk.echo", "{}", late.take());
    clock.run_until_idle();
  }
  CHECK(kept.came);
  CHECK(kept.ec == error::cancelled);
  CHECK((!late.came || late.ec == error::closed));
}
