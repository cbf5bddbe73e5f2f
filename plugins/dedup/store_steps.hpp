// store_steps: the steps of claims as ops of a store, and what it answers. A key holds nothing, the token of a claim in decimal, or
// "done:" and when that ends, in ns since 1970.
#pragma once

#include "claim.hpp"

#include <postbus/sdk/abi.hpp>

#include <array>
#include <vector>

namespace postbus::dedup_plugin {

inline constexpr std::string_view done_prefix = "done:";
inline constexpr std::string_view forgotten =
    "forgotten";  // the note of a key that is to be forgotten by all

struct times {
  std::int64_t lease_ns, window_ns, wall_ns;
};

// The ops of one call, and their texts. Kept where it is, with the claims of its requests, until it is answered.
class store_steps {
 public:
  // Takes them, and leaves an empty list.
  void take(std::vector<request>& all, const times& t);
  void clear() noexcept { requests_.clear(); }

  const std::vector<request>& requests() const noexcept { return requests_; }
  const std::vector<postbus_op>& ops() const noexcept { return ops_; }
  // `results`: one for each op; or none, and then nothing is known.
  template <class F>
  void each_reply(const postbus_op_result* results, F f) const {
    for (const request& r : requests_) {
      f(r, results != nullptr ? read(r, *results) : reply{reply::kind::failed});
      if (results != nullptr) results += r.tells ? 2 : 1;
    }
  }
  // Of what finished: the bytes of its key and its value.
  std::size_t bytes_of_done(const request& r) const noexcept;

 private:
  struct text {
    std::array<char, 24> token;  // that is expected, or stored
    std::array<char, 32> done;
  };
  void add(const request& r, text& t, const times& at);
  static reply read(const request& r, const postbus_op_result& result);

  std::vector<request> requests_;
  std::vector<text> texts_;
  std::vector<postbus_op> ops_;
};

}  // namespace postbus::dedup_plugin
