// bus.request(): ask, and wait for the reply.
#include "engine/completion.hpp"
#include "engine/waiter.hpp"

#include <postbus/bus.hpp>

namespace postbus {
namespace {

// The answer to one that waits on the spot; it may come after nobody waits any more.
struct awaited {
  detail::waiter done;
  error_code ec;
  event reply;
  std::string why;
};

error explain(const error_code& ec, std::string_view topic, const std::string& why) {
  const auto code = ec.category() == error_category() ? static_cast<error::errc>(ec.value()) : error::failed;
  return {code, "a request on '" + std::string(topic) + "': " + (why.empty() ? ec.message() : why), "",
          code == error::timed_out ? "see whether somebody takes and answers such requests" : ""};
}

event ask(detail::engine& engine, std::string_view topic, bytes_view data, std::chrono::nanoseconds timeout,
          const publish_options& options, error_code& ec, std::string& why) {
  if (engine.in_handler()) {
    ec = make_error_code(error::would_block);
    why = "from a handler of this bus, which it would keep from others; use async_request";
    return {};
  }
  const auto answer = std::make_shared<awaited>();
  engine.replies.start(topic, data, options, timeout, [answer](error_code e, event reply, std::string said) {
    answer->ec = e;
    answer->reply = std::move(reply);
    answer->why = std::move(said);
    sdk::answer(answer->done.done(), POSTBUS_OK);
  });
  // Its own timer ends it; under a manual clock nothing more happens while this thread waits.
  if (!answer->done.wait(*engine.rt)) {
    ec = make_error_code(error::timed_out);
    why = "no reply, and time stands still meanwhile";
    return {};
  }
  ec = answer->ec;
  why = std::move(answer->why);
  return ec ? event() : std::move(answer->reply);
}

}  // namespace

event bus::request(std::string_view topic, bytes_view data, std::chrono::nanoseconds timeout,
                   const publish_options& options) {
  error_code ec;
  std::string why;
  event reply = ask(*engine_, topic, data, timeout, options, ec, why);
  if (ec) throw explain(ec, topic, why);
  return reply;
}

event bus::request(std::string_view topic, bytes_view data, std::chrono::nanoseconds timeout,
                   const publish_options& options, error_code& ec) noexcept {
  ec = {};
  try {
    std::string why;
    return ask(*engine_, topic, data, timeout, options, ec, why);
  } catch (const std::bad_alloc&) {
    ec = make_error_code(boost::system::errc::not_enough_memory);
    return {};
  }
}

void bus::start_request(const std::shared_ptr<detail::engine>& engine, std::string_view topic,
                        bytes_view data, std::chrono::nanoseconds timeout, const publish_options& options,
                        boost::asio::any_completion_handler<void(error_code, event)> handler) {
  const auto held =
      std::make_shared<boost::asio::any_completion_handler<void(error_code, event)>>(std::move(handler));
  engine->replies.start(topic, data, options, timeout,
                        [engine = engine.get(), held](error_code ec, event reply, const std::string&) {
                          detail::post_completion(*engine, std::move(*held), ec, std::move(reply));
                        });
}

}  // namespace postbus
