// Request and reply over the transport: row 32.
#include "all_rows.hpp"

#include <postbus/conformance/scene.hpp>

namespace postbus::conformance {
namespace {

using namespace std::chrono_literals;

// Asks and waits for the end, whatever it is; without the caller's thread where time is virtual.
struct question {
  error_code ec;
  event reply;
  std::atomic<bool> over{false};

  void ask(bus& b, std::string_view topic, std::string_view text, std::chrono::nanoseconds timeout) {
    b.async_request(topic, text, timeout, [this](error_code e, event r) {
      ec = e;
      reply = std::move(r);
      over = true;
    });
  }
};

void echoes(scene& s) {
  constexpr std::size_t requests = 1000;
  bus& b = s.open();
  subscribe_options options;
  options.group = s.supplied("groups") == capability_info::how::refused ? "" : "answers";
  options.backoff = {0ms, 1, 0ms};
  const auto sub = b.subscribe(
      "ask",
      [&](const delivery& d) {
        if (d.attempt() == 1 && d.text().ends_with('5')) throw retry(0ms);
        d.reply("re: " + std::string(d.text()), "text/x-echo");
      },
      options);
  std::vector<std::unique_ptr<question>> all;
  for (const std::string& n : numbers(requests))
    all.emplace_back(std::make_unique<question>())->ask(b, "ask", n, 30s);
  s.await([&] { return std::all_of(all.begin(), all.end(), [](const auto& q) { return q->over.load(); }); });
  std::size_t failed = 0, wrong = 0;
  std::string first;
  for (std::size_t n = 0; n < requests; ++n) {
    const question& q = *all[n];
    if (!q.over || q.ec) {
      ++failed;
      if (first.empty()) first = "; the first of them: " + (q.over ? q.ec.message() : std::string("no end"));
    } else {
      wrong += q.reply.text() != "re: " + std::to_string(n) || q.reply.content_type() != "text/x-echo";
    }
  }
  s.expect(failed == 0, "a thousand requests are answered; " + std::to_string(failed) + " were not" + first);
  s.expect_equal(wrong, 0u, "requests that got the reply of another one, or not the whole of it");
  b.close();  // what is still under way ends before its question goes
}

void errors_and_silence(scene& s) {
  bus& b = s.open();
  const auto refuses = b.subscribe("ask:refuses", [](const delivery& d) { d.reply_error("out of tea"); });
  const auto says_nothing = b.subscribe("ask:nothing", [](const delivery&) {});
  question refused, silent;
  refused.ask(b, "ask:refuses", "", 30s);
  silent.ask(b, "ask:nothing", "", s.is_virtual() ? 10s : 200ms);
  s.await([&] { return refused.over && silent.over; });
  s.expect_equal(refused.ec.message(), make_error_code(error::failed).message(),
                 "what a request says that is answered with an error");
  s.expect_equal(silent.ec.message(), make_error_code(error::timed_out).message(),
                 "what a request says that nobody answers");
  b.close();
}

constexpr row table[] = {
    {32,
     "a request gets the reply to it, and not that of another one",
     {"request and reply"},
     timing::either,
     echoes},
    {32,
     "a request that is refused or not answered ends with an error",
     {"request and reply"},
     timing::either,
     errors_and_silence},
};

}  // namespace

std::span<const row> asking_rows() { return table; }

}  // namespace postbus::conformance
