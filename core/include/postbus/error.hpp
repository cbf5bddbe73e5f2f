// error: everything that can go wrong, by name. Set-up calls (a bus, subscribe, call) throw postbus::error, whose what() says what was
// found, what was wanted and what to do. publish, unsubscribe and settlement also have an error_code& form that never throws.
//
//   if (ec == postbus::error::full) …
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>

#include <string>
#include <string_view>

namespace postbus {

class error : public boost::system::system_error {
 public:
  enum errc {
    // The call was certainly not carried out.
    closed = 1,      // the bus, or the subscription, is closed or closing
    bad_argument,    // a topic, pattern, option or key expression that breaks the rules
    bad_config,      // a setting that is unknown, of the wrong type, or out of range
    bad_plugin,      // a plugin file that cannot be used: not found, not ours, too new, inconsistent
    unsupported,     // asks for what this transport or this version does not have
    too_large,       // more data than the transport takes
    would_block,     // publish would have to wait, and was called from a handler of this bus
    full,            // no room within the deadline
    unavailable,     // the transport cannot be reached now
    refused,         // a feature rejected the publish
    paused,          // a feature has paused this kind of event
    no_such_method,  // call() of a plugin or method that is not there
    // Settling.
    already_settled,  // this delivery has its answer
    lease_lost,       // the answer came too late, others have the event
    // The call may or may not have been carried out.
    outcome_unknown,  // it was sent; the answer did not come
    // The rest.
    timed_out,  // the deadline passed
    cancelled,  // given up before it was done
    failed,     // the plugin says so; see the message
  };

  error(errc what, std::string found, std::string wanted, std::string remedy);

  // The three parts of what(), each a phrase; empty where there is nothing to say.
  const std::string& found() const noexcept { return found_; }
  const std::string& wanted() const noexcept { return wanted_; }
  const std::string& remedy() const noexcept { return remedy_; }
  const char* what() const noexcept override { return what_.c_str(); }

 private:
  std::string found_, wanted_, remedy_, what_;
};

}  // namespace postbus

template <>
struct boost::system::is_error_code_enum<postbus::error::errc> : std::true_type {};

namespace postbus {

const boost::system::error_category& error_category() noexcept;
inline boost::system::error_code make_error_code(error::errc value) noexcept {
  return {static_cast<int>(value), error_category()};
}

using boost::system::error_code;

// "bad_argument": the enumerator's name; "failed" for a code that is not ours.
std::string_view code_name(const error_code& ec) noexcept;

}  // namespace postbus
