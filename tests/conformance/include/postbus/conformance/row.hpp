// row: one sentence that must be true of every transport, or of a feature over every transport, and what came of looking.
//
// A row is a function over a scene. To add one, write the function and put a line for it into the table at the end of its file; a new
// file's table is named once in rows/all_rows.hpp.
#pragma once

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace postbus::conformance {

class scene;

enum class timing {
  either,  // on the virtual clock where the plugin can, else in real time
  real     // it needs threads of its own
};

struct row {
  unsigned number;    // of the suite's table; several rows may look at one promise
  const char* title;  // a sentence that is true or false
  // The capabilities without which it is skipped, as explain_capabilities() names them; null: no more.
  std::array<const char*, 2> needs;
  timing time;
  void (*run)(scene&);
  // The plugin that it looks at: it is skipped where bus.features does not name it; null: it looks at the transport.
  const char* feature = nullptr;
};

enum class verdict {
  passed,
  failed,
  skipped  // the transport declares that it has not what the row needs, or nobody asked for the feature it looks at
};

struct result {
  conformance::verdict verdict = conformance::verdict::passed;
  std::vector<std::string>
      reasons;  // a sentence each: what was expected, what was seen, where; or why it was skipped
  std::chrono::nanoseconds took{};  // real time
};

bool needs(const row& r, std::string_view capability) noexcept;

// "passed" …
const char* to_string(verdict v) noexcept;

}  // namespace postbus::conformance
