#include "refusal.hpp"

#include <postbus/error.hpp>

#include <set>
#include <string>

using postbus::error;

TEST_CASE("an error says what was found, what was wanted and what to do", "[error]") {
  const error e(error::bad_config, "bus.thread (fleet.toml:3:1)", "one of name, threads",
                "did you mean 'threads'?");
  CHECK(std::string(e.what()) ==
        "bad configuration: found bus.thread (fleet.toml:3:1); wanted one of name, threads; did you mean "
        "'threads'?");
  CHECK(e.found() == "bus.thread (fleet.toml:3:1)");
  CHECK(e.wanted() == "one of name, threads");
  CHECK(e.remedy() == "did you mean 'threads'?");
  CHECK(e.code() == error::bad_config);
}

TEST_CASE("an error leaves out what there is nothing to say about", "[error]") {
  CHECK(std::string(error(error::closed, "", "", "").what()) == "closed");
  CHECK(std::string(error(error::full, "", "", "try later").what()) == "full: try later");
}

TEST_CASE("every code has a message of its own", "[error]") {
  std::set<std::string> messages;
  for (int code = error::closed; code <= error::failed; ++code)
    messages.insert(postbus::error_category().message(code));
  CHECK(messages.size() == error::failed);
  CHECK(messages.count(postbus::error_category().message(0)) == 0);
}

TEST_CASE("a code equals the standard's condition where there is one", "[error]") {
  namespace errc = boost::system::errc;
  const auto code = [](error::errc c) { return make_error_code(c); };
  CHECK(code(error::timed_out) == errc::timed_out);
  CHECK(code(error::cancelled) == errc::operation_canceled);
  CHECK(code(error::bad_argument) == errc::invalid_argument);
  CHECK(code(error::too_large) == errc::message_size);
  CHECK(code(error::would_block) == errc::operation_would_block);
  CHECK(code(error::unsupported) == errc::not_supported);
  CHECK(code(error::paused).default_error_condition().category() == postbus::error_category());
}
