// What a content type says about data.
#include "event/media_type.hpp"

#include "support/catch.hpp"

using namespace postbus::detail;

TEST_CASE("application/json and whatever ends in json is JSON, in any case and with any parameters",
          "[media_type]") {
  for (const std::string_view type : {"application/json", "Application/JSON", "text/json",
                                      "application/vnd.api+json", " application/json ; charset=utf-8"})
    CHECK(is_json_type(type));
  for (const std::string_view type : {"", "json", "/", ";json", "application/jsonp", "application/json-seq",
                                      "text/plain; x=application/json"})
    CHECK_FALSE(is_json_type(type));
}

TEST_CASE("text/*, XML, and a charset of utf-8 are text", "[media_type]") {
  for (const std::string_view type :
       {"text/plain", "TEXT/html", "application/xml", "image/svg+xml", "application/x; charset=utf-8",
        "application/x;a=b;CharSet=\"UTF-8\"", "text/plain;charset=us-ascii", "text/plain;;"})
    CHECK(is_text_type(type));
  for (const std::string_view type : {"", "text", "application/octet-stream", "text/plain; charset=latin1",
                                      "application/x; charset=us-asciii"})
    CHECK_FALSE(is_text_type(type));
}
