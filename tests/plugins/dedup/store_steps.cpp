// What the steps are in the words of a store.
#include "store_steps.hpp"

#include "support/catch.hpp"

using namespace postbus;
using namespace postbus::dedup_plugin;

namespace {

store_steps steps_of(claim& c, step what, std::int64_t token, bool tells = false) {
  std::vector<request> all{{what, &c, token, tells}};
  store_steps s;
  s.take(all, {60, 3600, 1'000});
  return s;
}
std::string read(postbus_bytes b) { return std::string(sdk::view(b)); }

reply answer_to(step what, std::int32_t status, const char* there) {
  claim c;
  const store_steps s = steps_of(c, what, 10);
  const std::string_view text = there != nullptr ? there : "";
  const postbus_bytes value = sdk::bytes(text);
  const postbus_op_result result{status, there != nullptr ? 1u : 0u, 0, &value};
  reply got;
  s.each_reply(&result, [&](const request&, const reply& a) { got = a; });
  return got;
}

}  // namespace

TEST_CASE("each step is one op on the key, with its condition", "[store_steps]") {
  claim c;
  c.key = "k";
  const auto op = [&](step what) { return steps_of(c, what, 10).ops().at(0); };
  CHECK((op(step::take).kind == POSTBUS_SET && op(step::take).flags == POSTBUS_IF_ABSENT));
  CHECK(op(step::take).ttl_ns == 60);
  CHECK((op(step::mark).kind == POSTBUS_ADD && op(step::mark).number == 1 && op(step::mark).ttl_ns == 0));
  CHECK((op(step::renew).kind == POSTBUS_EXPIRE && op(step::renew).ttl_ns == 60));
  CHECK((op(step::release).kind == POSTBUS_ERASE && op(step::release).flags == POSTBUS_IF_EQUAL));
  CHECK((op(step::finish).kind == POSTBUS_SET && op(step::finish).ttl_ns == 3600));
  CHECK(op(step::finish).flags == (POSTBUS_IF_EQUAL | POSTBUS_IF_ABSENT));
  const store_steps take = steps_of(c, step::take, 10), finish = steps_of(c, step::finish, 11);
  CHECK(read(take.ops()[0].value) == "10");
  CHECK(read(finish.ops()[0].expect) == "11");
  CHECK(read(finish.ops()[0].value) == "done:4600");
  CHECK(sdk::view(finish.ops()[0].key) == "k");
}

TEST_CASE("a step that tells is a group with a note", "[store_steps]") {
  claim c;
  c.key = "k";
  const store_steps s = steps_of(c, step::release, 11, true);
  REQUIRE(s.ops().size() == 2);
  CHECK((s.ops()[1].kind == POSTBUS_NOTIFY && sdk::view(s.ops()[1].key) == "k"));
  CHECK((s.ops()[0].group != 0 && s.ops()[0].group == s.ops()[1].group));
}

TEST_CASE("what the store answers is read", "[store_steps]") {
  using said = reply::kind;
  CHECK(answer_to(step::take, POSTBUS_OK, nullptr).what == said::ok);
  const reply taken = answer_to(step::take, POSTBUS_E_CONFLICT, "12");
  CHECK((taken.what == said::taken && taken.token == 12));
  const reply done = answer_to(step::take, POSTBUS_E_CONFLICT, "done:99");
  CHECK((done.what == said::done && done.until_ns == 99));
  CHECK(answer_to(step::take, POSTBUS_E_CONFLICT, "done:x").what == said::wrong);
  CHECK(answer_to(step::take, POSTBUS_E_CONFLICT, "tea").what == said::wrong);
  CHECK(answer_to(step::take, POSTBUS_E_CONFLICT, nullptr).what == said::wrong);  // no string
  CHECK(answer_to(step::renew, POSTBUS_E_CONFLICT, nullptr).what == said::nothing);
  CHECK(answer_to(step::mark, POSTBUS_E_INVALID, nullptr).what == said::wrong);
  CHECK(answer_to(step::take, POSTBUS_E_FULL, nullptr).what == said::failed);
}

TEST_CASE("of a call that failed nothing is known", "[store_steps]") {
  claim c;
  const store_steps s = steps_of(c, step::take, 10);
  reply got;
  s.each_reply(nullptr, [&](const request&, const reply& a) { got = a; });
  CHECK(got.what == reply::kind::failed);
}
