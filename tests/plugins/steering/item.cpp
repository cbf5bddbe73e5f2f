// What an item says, whoever wrote it.
#include "item.hpp"

#include "support/catch.hpp"

#include <boost/json.hpp>

using namespace postbus::steering_plugin;

namespace {

const abort_words words({"stop", "cancel", "abort", "nevermind"});

item read(std::string_view stored) { return read_item(stored, words); }

}  // namespace

TEST_CASE("an abort word is the whole message, whatever its case and what stands behind it", "[steering]") {
  for (const char* text : {"stop", "STOP", "Cancel!", " abort. ", "nevermind…"})
    CHECK(words.has(text) == (std::string_view(text) != "nevermind…"));  // punctuation of ASCII
  for (const char* text : {"don't stop", "stop it", "stopp", "", "...", "!stop"})
    CHECK_FALSE(words.has(text));
  const abort_words own({"Never mind", "halt!"});
  CHECK(own.has("never mind."));
  CHECK(own.has("Halt"));
  CHECK_FALSE(own.has("stop"));
}

TEST_CASE("an item of another program has no id, and keeps all its fields", "[steering]") {
  const item i = read(R"({"text":"x","sender":7,"timestamp":1.5,"is_abort":false,"more":[1]})");
  CHECK_FALSE(i.is_malformed);
  CHECK_FALSE(i.is_abort);
  CHECK(i.id.empty());
  CHECK(i.body.at("more").as_array().size() == 1);
  CHECK(i.body.at("sender") == 7);
}

TEST_CASE("an item is an abort by its field or by its words", "[steering]") {
  CHECK(read(R"({"text":"enough","is_abort":true})").is_abort);
  CHECK(read(R"({"text":"Stop!","is_abort":false})").is_abort);
  CHECK(read(R"({"text":"Stop!"})").body.at("is_abort") == true);
  CHECK(read(R"({"text":"go on","is_abort":null})").body.at("is_abort") == false);
}

TEST_CASE("what is no object with a text is handed on as it is, and marked", "[steering]") {
  for (const char* stored : {"no json", "[1]", R"({"txt":"x"})", R"({"text":5})",
                             R"({"text":"x","is_abort":"yes"})", R"({"text":"x","interrupt":1})", ""}) {
    CAPTURE(stored);
    const item i = read(stored);
    CHECK(i.is_malformed);
    CHECK(i.body.at("text") == boost::json::string_view(stored));
    CHECK(i.body.at("malformed") == true);
  }
  CHECK(read("\xff").body.at("text") == "\xef\xbf\xbd");
  CHECK(read("stop").is_abort);  // a person may have typed it into the list
}

TEST_CASE("only an abort that another program wrote drops what stands before it", "[steering]") {
  const std::string a = R"({"text":"a","id":"1"})", ours = R"({"text":"stop","is_abort":true,"id":"2"})",
                    theirs = R"({"text":"stop","is_abort":true})";
  const auto first = [](const std::vector<std::string>& all) {
    return first_that_counts(read_items(all, words));
  };
  CHECK(first({a, theirs, a}) == 1);
  CHECK(first({theirs, a, theirs}) == 2);
  CHECK(first({a, ours, a}) == 0);
  CHECK(first({a, a}) == 0);
  CHECK(first({}) == 0);
}
