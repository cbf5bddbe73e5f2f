#include <postbus/error.hpp>

#include <iterator>
#include <utility>

namespace postbus {
namespace {

namespace errc = boost::system::errc;

const char* words(int value) noexcept {
  switch (static_cast<error::errc>(value)) {
    case error::closed:
      return "closed";
    case error::bad_argument:
      return "bad argument";
    case error::bad_config:
      return "bad configuration";
    case error::bad_plugin:
      return "unusable plugin";
    case error::unsupported:
      return "not supported";
    case error::too_large:
      return "too large";
    case error::would_block:
      return "would have to wait in a handler";
    case error::full:
      return "full";
    case error::unavailable:
      return "unavailable";
    case error::refused:
      return "refused by a feature";
    case error::paused:
      return "paused";
    case error::no_such_method:
      return "no such method";
    case error::already_settled:
      return "already settled";
    case error::lease_lost:
      return "the delivery's lease is lost";
    case error::outcome_unknown:
      return "outcome unknown";
    case error::timed_out:
      return "timed out";
    case error::cancelled:
      return "cancelled";
    case error::failed:
      return "failed";
  }
  return "unknown postbus error";
}

class category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "postbus"; }
  std::string message(int value) const override { return words(value); }

  // Codes that the standard has no word for stay themselves.
  boost::system::error_condition default_error_condition(int value) const noexcept override {
    switch (static_cast<error::errc>(value)) {
      case error::bad_argument:
      case error::bad_config:
        return errc::make_error_condition(errc::invalid_argument);
      case error::bad_plugin:
        return errc::make_error_condition(errc::executable_format_error);
      case error::unsupported:
        return errc::make_error_condition(errc::not_supported);
      case error::too_large:
        return errc::make_error_condition(errc::message_size);
      case error::would_block:
        return errc::make_error_condition(errc::operation_would_block);
      case error::full:
        return errc::make_error_condition(errc::no_buffer_space);
      case error::closed:
      case error::unavailable:
        return errc::make_error_condition(errc::not_connected);
      case error::refused:
        return errc::make_error_condition(errc::operation_not_permitted);
      case error::no_such_method:
        return errc::make_error_condition(errc::function_not_supported);
      case error::timed_out:
        return errc::make_error_condition(errc::timed_out);
      case error::cancelled:
        return errc::make_error_condition(errc::operation_canceled);
      default:
        return {value, *this};
    }
  }
};

// "bad configuration: found bus.thread (fleet.toml:3:1); wanted one of name, threads; did you mean 'threads'?"
std::string sentence(error::errc what, const std::string& found, const std::string& wanted,
                     const std::string& remedy) {
  std::string text = words(what);
  const char* separator = ": ";
  const auto add = [&](const char* lead, const std::string& phrase) {
    if (phrase.empty()) return;
    text.append(separator).append(lead).append(phrase);
    separator = "; ";
  };
  add("found ", found);
  add("wanted ", wanted);
  add("", remedy);
  return text;
}

}  // namespace

error::error(errc what, std::string found, std::string wanted, std::string remedy)
    : system_error(make_error_code(what)),
      found_(std::move(found)),
      wanted_(std::move(wanted)),
      remedy_(std::move(remedy)),
      what_(sentence(what, found_, wanted_, remedy_)) {}

const boost::system::error_category& error_category() noexcept {
  static const category instance;
  return instance;
}

std::string_view code_name(const error_code& ec) noexcept {
  static constexpr std::string_view names[] = {
      "closed",          "bad_argument", "bad_config",      "bad_plugin", "unsupported", "too_large",
      "would_block",     "full",         "unavailable",     "refused",    "paused",      "no_such_method",
      "already_settled", "lease_lost",   "outcome_unknown", "timed_out",  "cancelled",   "failed"};
  static_assert(std::size(names) == error::failed);
  const int value = ec.value();
  return ec.category() == error_category() && value >= error::closed && value <= error::failed
             ? names[value - error::closed]
             : "failed";
}

}  // namespace postbus
