#include "schema_validator.hpp"

// Without it, valijson ends the program when a schema is wrong.
#define VALIJSON_USE_EXCEPTIONS 1
#include <valijson/adapters/boost_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include <algorithm>
#include <iterator>

namespace postbus::detail {
namespace {

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

// valijson writes a path as "<root>", "[name]", "[0]". A property that is called "0" is told from an index by the value alone.
std::vector<violation::step> steps(const std::vector<std::string>& context, const json::value& root) {
  std::vector<violation::step> result;
  const json::value* at = &root;
  for (const std::string& part : context) {
    if (part.size() < 2 || part.front() != '[') continue;
    const std::string name = part.substr(1, part.size() - 2);
    const json::array* list = at ? at->if_array() : nullptr;
    const json::object* table = at ? at->if_object() : nullptr;
    const bool is_index = list && is_number(name);
    result.push_back({name, is_index});
    at = is_index ? list->if_contains(std::stoul(name)) : table ? table->if_contains(name) : nullptr;
  }
  return result;
}

}  // namespace

std::optional<violation> find_violation(const json::object& schema, const json::value& value) {
  using valijson::adapters::BoostJsonAdapter;
  const json::value document = schema;
  valijson::Schema parsed;
  valijson::SchemaParser(valijson::SchemaParser::kDraft7).populateSchema(BoostJsonAdapter(document), parsed);
  valijson::ValidationResults results;
  valijson::Validator validator(valijson::Validator::kStrongTypes);
  if (validator.validate(parsed, BoostJsonAdapter(value), &results)) return std::nullopt;
  // Every level reports that the one below it failed; the longest path is where it began.
  const auto innermost = std::max_element(results.begin(), results.end(), [](const auto& a, const auto& b) {
    return a.context.size() < b.context.size();
  });
  if (innermost == results.end()) return violation{{}, "not allowed at all"};
  return violation{steps(innermost->context, value), innermost->description};
}

}  // namespace postbus::detail
