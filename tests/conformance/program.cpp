// The rows over each transport of this tree, each a test of its own: they are registered one by one when the program starts.
#include "support/bus.hpp"
#include "support/catch.hpp"

#include <postbus/conformance/suite.hpp>

#include <iostream>

namespace {

using namespace postbus;
using namespace postbus::conformance;

class played_row : public Catch::ITestInvoker {
 public:
  played_row(std::string transport, const row& r) : transport_(std::move(transport)), row_(r) {}
  void invoke() const override {
    const suite over(tests::config_for(transport_));
    const result got = over.run(row_);
    if (got.verdict == verdict::skipped)
      std::cout << "not for this transport: " << got.reasons.front() << '\n';
    std::string reasons;
    for (const std::string& reason : got.reasons) reasons += reason + "\n";
    INFO(reasons);
    CHECK(got.verdict != verdict::failed);
  }

 private:
  const std::string transport_;
  const row& row_;
};

using invoker = decltype(Catch::makeTestInvoker(static_cast<void (*)()>(nullptr)));

// A row that looks at a feature is played with it.
std::string played_on(std::string transport, const row& r) {
  return r.feature == nullptr ? transport : transport + "+" + r.feature;
}

const int registered = [] {
  int n = 0;
  for (const char* transport : {"memory", "memory+faults", "hub", "hub+json"})
    for (const row& r : rows()) {
      const std::string on = played_on(transport, r),
                        name = "row " + std::to_string(r.number) + " over " + on + ": " + r.title;
      Catch::AutoReg(invoker(new played_row(on, r)), CATCH_INTERNAL_LINEINFO, "",
                     Catch::NameAndTags{name, "[conformance]"});
      ++n;
    }
  return n;
}();

}  // namespace

TEST_CASE("every row is registered for every transport", "[conformance]") {
  CHECK(registered == static_cast<int>(4 * rows().size()));
}
