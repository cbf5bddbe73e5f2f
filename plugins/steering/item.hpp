// item: one message to a session, as it stands in the inbox: a JSON object
//
//   {"text": "…", "sender": "…", "timestamp": "…", "is_abort": false, "target_agent": "…", "id": "…"}
//
// that other programs write too. Theirs have no `id`, and get no receipts. What is no such object is handed on as it is, and marked.
#pragma once

#include <boost/json/object.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace postbus::steering_plugin {

namespace json = boost::json;

// The texts that are an abort by themselves.
class abort_words {
 public:
  explicit abort_words(const std::vector<std::string>& words);
  // The whole text is one of them. Case (of ASCII), blanks around and punctuation behind make no difference.
  bool has(std::string_view text) const;

 private:
  static std::string folded(std::string_view text);
  std::vector<std::string> words_;
};

struct item {
  json::object body;      // as it is handed out: what was stored, and `is_abort` also where a word says it
  std::string id;         // empty: written by another program
  bool is_abort = false;  // by its field, or by its words
  bool interrupts = false;
  bool is_malformed = false;
};

item read_item(std::string_view stored, const abort_words& words);

using items = std::vector<item>;
items read_items(const std::vector<std::string>& stored, const abort_words& words);

// An abort that another program wrote dropped nothing when it came: the index of the last one, 0 where there is none. What stands before
// it in a batch is dropped now.
std::size_t first_that_counts(const items& batch);

// Of those that have one.
std::vector<std::string> ids_of(const items& batch, std::size_t from, std::size_t to);

}  // namespace postbus::steering_plugin
