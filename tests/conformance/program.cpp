// The rows over each transport of this tree, each a test of its own: they are registered one by one when the program starts.
#include "support/bus.hpp"
#include "support/catch.hpp"

#include <postbus/conformance/suite.hpp>

#include <unistd.h>

#include <iostream>

namespace {

using namespace postbus;
using namespace postbus::conformance;

// The buses of a row meet: at a hub that is theirs alone.
config config_for_row(std::string_view transport) {
  static int hubs = 0;
  config c = tests::config_for(transport);
  if (!transport.starts_with("hub")) return c;
  return c.set("transport.path",
               "\"conformance-" + std::to_string(::getpid()) + "-" + std::to_string(++hubs) + "\"");
}

class played_row : public Catch::ITestInvoker {
 public:
  played_row(std::string transport, const row& r) : transport_(std::move(transport)), row_(r) {}
  void invoke() const override {
    config c = config_for_row(transport_);
    if (row_.feature != nullptr)
      c.set("store.instance", "conformance");  // what features share over several buses
    const suite over(std::move(c));
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
