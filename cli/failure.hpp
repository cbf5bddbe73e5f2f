// failure: why the command ends without having done what was asked, and how that is said. Everything a person reads about it says what
// was found, what was wanted, and what to do.
#pragma once

#include <postbus/error.hpp>

#include <boost/json/object.hpp>

#include <exception>
#include <string>
#include <string_view>

namespace postbus::cli {

// Exit statuses.
enum class exit_status : int {
  ok = 0,
  failed = 1,  // what was asked could not be done, or not all of it
  usage = 2    // it was asked in a way that the command does not understand
};

struct problem {
  std::string code;                   // the name of an error::errc: "bad_argument"
  std::string found, wanted, remedy;  // phrases; any may be empty

  // "found …; wanted …; …"
  std::string sentence() const;
};

class failure : public std::exception {
 public:
  explicit failure(problem what, exit_status status = exit_status::failed)
      : problem_(std::move(what)), status_(status), text_(problem_.sentence()) {}
  const problem& what_happened() const noexcept { return problem_; }
  exit_status status() const noexcept { return status_; }
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  problem problem_;
  exit_status status_;
  std::string text_;
};

failure usage(std::string found, std::string wanted, std::string remedy);
failure failed(std::string found, std::string wanted, std::string remedy);

problem problem_of(const error& e);
problem problem_of(const error_code& ec);
// From the "error" of an answer over the admin socket.
problem problem_of(const boost::json::object& error);

// {"error": {"code": …, "message": …, "found": …, "wanted": …, "remedy": …}}, as the admin protocol has it.
boost::json::object to_json(const problem& p);

// "postbus: found …; wanted …; …" on standard error, or the object.
void report(const problem& p, bool as_json);

}  // namespace postbus::cli
