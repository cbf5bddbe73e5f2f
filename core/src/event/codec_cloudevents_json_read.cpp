#include "attribute.hpp"
#include "codec_cloudevents_json.hpp"
#include "event_record.hpp"
#include "media_type.hpp"
#include "timestamp.hpp"

#include <postbus/sdk/abi.hpp>
#include <postbus/sdk/base64.hpp>
#include <postbus/sdk/topic.hpp>

#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace postbus::detail {
namespace {

using boost::system::error_code;
using json_text = boost::json::string_view;

bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Listens to Boost.JSON's parser as it walks through the document. Texts are views into the wire, but those that are written with
// an escape. The parser does not say where a value stands: the end of its key and the begin of the next one do.
class listener {
 public:
  static constexpr std::size_t max_object_size = std::size_t(-1), max_array_size = std::size_t(-1),
                               max_key_size = std::size_t(-1), max_string_size = std::size_t(-1);

  explicit listener(std::string_view wire) noexcept : wire_(wire) {}

  // After the walk. The event's texts lie in the wire, in `topic`, or in here. False: why() says what is wrong.
  bool complete(std::string_view topic) { return has_what_it_must() && settle_data() && settle_topic(topic); }
  const postbus_event& event() noexcept {
    const auto end = std::remove_if(headers_.begin(), headers_.begin() + header_count_,
                                    [](const postbus_pair& h) { return h.value.ptr == nullptr; });
    event_.size = sizeof event_;
    event_.headers = headers_.data();
    event_.header_count = static_cast<std::size_t>(end - headers_.begin());
    return event_;
  }
  std::string& why() noexcept { return why_; }

  // ---- what the parser calls
  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code& ec) { return ++depth_ == 1 || opens(ec); }
  bool on_object_end(std::size_t, error_code&) {
    if (--depth_ == 0) end_value(wire_.find_last_of('}'));
    return true;
  }
  bool on_array_begin(error_code& ec) {
    if (depth_ == 0) return refuse("an array, where one event is wanted, not a batch", 0, ec);
    return ++depth_, opens(ec);
  }
  bool on_array_end(std::size_t, error_code&) { return --depth_, true; }

  bool on_key_part(json_text, std::size_t, error_code& ec) {
    return depth_ != 1 || refuse("an escape in the name of an attribute", 0, ec);
  }
  bool on_key(json_text key, std::size_t size, error_code& ec) {
    if (depth_ != 1) return true;
    if (!in_wire(key, size)) return refuse("an escape in the name of an attribute", 0, ec);
    end_value(wire_.find_last_of(',', offset(key.data())));
    return begin_attribute({key.data(), key.size()}, ec);
  }

  bool on_string_part(json_text part, std::size_t, error_code&) {
    if (depth_ == 1) append({part.data(), part.size()});
    return true;
  }
  bool on_string(json_text text, std::size_t size, error_code& ec) {
    if (depth_ != 1) return take_other("a text", ec);
    if (in_wire(text, size)) return take({text.data(), text.size()}, ec);
    append({text.data(), text.size()});
    return take(std::string_view(unescaped_).substr(unescaped_.size() - size), ec);
  }
  bool on_number_part(json_text, error_code&) { return true; }
  bool on_int64(std::int64_t value, json_text, error_code& ec) { return take_integer(value, ec); }
  bool on_uint64(std::uint64_t value, json_text, error_code& ec) { return take_integer(value, ec); }
  bool on_double(double, json_text, error_code& ec) {
    return take_other("a number with a fraction or an exponent", ec);
  }
  bool on_bool(bool value, error_code& ec) {
    if (depth_ != 1 || now_ != attribute::extension) return take_other("a boolean", ec);
    return take(value ? "true" : "false", ec);
  }
  bool on_null(error_code& ec) { return depth_ > 0 || take_other("null", ec); }
  bool on_comment_part(json_text, error_code&) { return true; }
  bool on_comment(json_text, error_code&) { return true; }

 private:
  std::size_t offset(const char* at) const noexcept { return static_cast<std::size_t>(at - wire_.data()); }

  // Whole, and not in a buffer of the parser's.
  bool in_wire(json_text text, std::size_t size) const noexcept {
    const auto at = reinterpret_cast<std::uintptr_t>(text.data()),
               begin = reinterpret_cast<std::uintptr_t>(wire_.data());
    return text.size() == size && at >= begin && at < begin + wire_.size();
  }

  // One reservation holds all that can come, for an escape is longer than what it says: views into it stay.
  void append(std::string_view text) {
    if (unescaped_.capacity() < wire_.size()) unescaped_.reserve(wire_.size());
    unescaped_ += text;
  }

  bool refuse(std::string what, std::size_t at, error_code& ec) {
    why_ = std::move(what);
    if (at != 0) why_ += " (byte " + std::to_string(at) + ")";
    ec = boost::json::error::syntax;  // ends the walk; nobody reads it
    return false;
  }
  bool refuse_value(std::string_view what, error_code& ec) {
    return refuse("'" + std::string(name_) + "' is " + std::string(what), value_at_, ec);
  }

  bool begin_attribute(std::string_view name, error_code& ec) {
    const std::size_t at = offset(name.data());
    name_ = name;
    now_ = attribute_of(name);
    const char* value = name.data() + name.size() + 1;  // behind the quote; the colon is not judged yet
    while (offset(value) < wire_.size() && (is_space(*value) || *value == ':')) ++value;
    value_at_ = offset(value);
    if (now_ != attribute::extension) {
      const unsigned bit = 1U << static_cast<unsigned>(now_);
      if ((seen_ & bit) != 0) return refuse("'" + std::string(name) + "' twice", at, ec);
      seen_ |= bit;
      return true;
    }
    if (!is_header_name_on_wire(name)) return refuse("a name of an attribute that is not a-z, 0-9", at, ec);
    if (has_header(name)) return refuse("'" + std::string(name) + "' twice", at, ec);
    if (header_count_ == headers_read_max)
      return refuse("more than " + std::to_string(headers_read_max) + " headers", at, ec);
    headers_[header_count_++] = {sdk::str(name), {nullptr, 0}};  // stays so if its value is null: absent
    return true;
  }

  bool opens(error_code& ec) {
    return depth_ > 2 || now_ == attribute::data || refuse_value("an object or an array", ec);
  }
  template <class Integer>
  bool take_integer(Integer value, error_code& ec) {
    if (depth_ != 1 || now_ != attribute::extension) return take_other("a number", ec);
    const std::string text = std::to_string(value);
    append(text);
    return take(std::string_view(unescaped_).substr(unescaped_.size() - text.size()), ec);
  }
  bool take_other(std::string_view what, error_code& ec) {
    if (depth_ == 0) return refuse("no JSON object", 0, ec);
    return depth_ > 1 || now_ == attribute::data || refuse_value(what, ec);
  }
  bool take(std::string_view text, error_code& ec) {
    switch (now_) {
      case attribute::extension:
        headers_[header_count_ - 1].value = sdk::str(text);
        return true;
      case attribute::id:
        event_.id = sdk::str(text);
        return true;
      case attribute::source:
        event_.source = sdk::str(text);
        return true;
      case attribute::type:
        event_.topic = sdk::str(text);
        return true;
      case attribute::datacontenttype:
        event_.content_type = sdk::str(text);
        return true;
      case attribute::partitionkey:
        event_.key = sdk::str(text);
        return true;
      case attribute::time:
        return take_time(text, event_.time_ns, ec);
      case attribute::expirytime:
        return take_time(text, event_.expires_ns, ec);
      case attribute::specversion:
        return (has_version_ = text == "1.0") || refuse_value("not \"1.0\"", ec);
      case attribute::data:
        data_text_ = text;
        return true;
      case attribute::data_base64:
        base64_ = text, base64_at_ = value_at_;
        return true;
    }
    return true;
  }
  bool take_time(std::string_view text, std::int64_t& ns, error_code& ec) {
    const auto time = parse_timestamp(text);
    if (!time) return refuse_value("no time as RFC 3339 has them, from 1677 to 2262", ec);
    ns = *time != 0 ? *time : 1;  // 0 says that there is none
    return true;
  }

  // The current value ends before the comma or brace at `stop`.
  void end_value(std::size_t stop) noexcept {
    if (now_ != attribute::data) return;
    while (is_space(wire_[stop - 1])) --stop;
    data_ = wire_.substr(value_at_, stop - value_at_);
  }

  bool lacks(std::string what) { return why_ = std::move(what), false; }
  bool has(std::string_view name, postbus_str text) {
    if (text.len != 0) return true;
    return lacks((text.ptr == nullptr ? "no '" : "an empty '") + std::string(name) + "'");
  }
  bool has_what_it_must() {
    return (has_version_ || lacks("no 'specversion'")) && has("id", event_.id) &&
           has("source", event_.source) && has("type", event_.topic);
  }
  bool settle_data() {
    const std::string_view type = sdk::view(event_.content_type);
    const bool json = type.empty() || is_json_type(type);  // as the specification says
    const bool is_null = data_ == "null";
    if (base64_.data() != nullptr) {
      if (data_.data() != nullptr && !is_null) return lacks("both 'data' and 'data_base64'");
      auto bytes = sdk::parse_base64(base64_);
      if (!bytes) return lacks("'data_base64' is not base64 (byte " + std::to_string(base64_at_) + ")");
      decoded_ = std::move(*bytes);
      event_.data = sdk::bytes(decoded_);
    } else if (!json && data_text_.data() != nullptr) {
      event_.data = sdk::bytes(data_text_);
    } else if (json || !is_null) {
      event_.data = sdk::bytes(data_);
    }
    return true;
  }
  // Where it came in counts, for that is what it was routed by; the type of another program is only its name for it.
  bool settle_topic(std::string_view topic) {
    const std::string_view type = sdk::view(event_.topic);
    if (topic.empty() || type == topic) {
      const auto fault = sdk::check_topic(type);
      return !fault || lacks("'type': " + sdk::describe(fault, type));
    }
    if (const auto fault = sdk::check_topic(topic))
      return lacks("the topic it came in on: " + sdk::describe(fault, topic));
    if (!has_header("cetype")) headers_[header_count_++] = {sdk::str("cetype"), event_.topic};
    event_.topic = sdk::str(topic);
    return true;
  }
  bool has_header(std::string_view name) const noexcept {
    return std::any_of(headers_.begin(), headers_.begin() + header_count_,
                       [&](const postbus_pair& h) { return sdk::view(h.name) == name; });
  }

  std::string_view wire_;
  postbus_event event_{};
  std::array<postbus_pair, headers_read_max + 1> headers_;  // not zeroed; one more for cetype
  std::size_t header_count_ = 0;
  std::string_view data_, data_text_, base64_;  // data as it is written; as a string; all may be missing
  std::size_t base64_at_ = 0;
  std::string unescaped_, decoded_, why_;
  bool has_version_ = false;

  // where the walk is
  unsigned depth_ = 0, seen_ = 0;  // seen: a bit for each attribute
  attribute now_ = attribute::extension;
  std::string_view name_;
  std::size_t value_at_ = 0;
};

// The document itself, and data in it.
constexpr std::size_t depth_max = json_data_depth_max + 1;

}  // namespace

event_record* decode_cloudevents_json(const postbus_owned& wire, std::string_view topic, id_source& ids,
                                      std::string& why) {
  const std::string_view text = sdk::view(wire.bytes);
  boost::json::parse_options how;
  how.max_depth = depth_max;
  boost::json::basic_parser<listener> parser(how, text);
  error_code ec;
  const std::size_t read = parser.write_some(false, text.data(), text.size(), ec);
  listener& heard = parser.handler();
  if (!ec && read == text.size() && heard.complete(topic)) return new_event_over(heard.event(), wire, ids);
  why = std::move(heard.why());
  if (why.empty()) {
    why = ec ? "no JSON: " + ec.message() : "more bytes behind the event";
    why += " (byte " + std::to_string(read) + ")";
  }
  return nullptr;
}

}  // namespace postbus::detail
