// The text exposition format of Prometheus.
#include <postbus/metrics.hpp>

#include <charconv>
#include <cmath>
#include <map>

namespace postbus {
namespace {

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char text[32];
  // What is whole is written so, as far as a double knows the last digit.
  const bool is_whole = std::trunc(value) == value && std::abs(value) < 0x1p53;
  const auto end = is_whole ? std::to_chars(text, std::end(text), static_cast<std::int64_t>(value))
                            : std::to_chars(text, std::end(text), value);
  return {text, end.ptr};
}

std::string escaped(std::string_view text, bool quotes) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') out += "\\\\";
    else if (c == '\n') out += "\\n";
    else if (c == '"' && quotes) out += "\\\"";
    else out += c;
  }
  return out;
}

void sample(std::string& out, const metric& m, const char* suffix, const std::string& le,
            const std::string& value) {
  out.append(m.name).append(suffix);
  char separator = '{';
  const auto label = [&](std::string_view name, std::string_view text) {
    out.append(1, separator).append(name).append("=\"").append(escaped(text, true)).append("\"");
    separator = ',';
  };
  for (const auto& [name, text] : m.labels) label(name, text);
  if (!le.empty()) label("le", le);
  if (separator == ',') out += '}';
  out.append(" ").append(value).append("\n");
}

void samples(std::string& out, const metric& m) {
  if (m.type != metric::kind::histogram) return sample(out, m, "", "", number(m.value));
  for (const metric::bucket& b : m.buckets)
    sample(out, m, "_bucket", number(b.upper_bound), std::to_string(b.count));
  sample(out, m, "_sum", "", number(m.value));
  sample(out, m, "_count", "", std::to_string(m.buckets.empty() ? 0 : m.buckets.back().count));
}

const char* word(metric::kind kind) noexcept {
  return kind == metric::kind::counter ? "counter" : kind == metric::kind::gauge ? "gauge" : "histogram";
}

}  // namespace

std::string prometheus_text(std::span<const metric> metrics) {
  std::vector<std::string_view> names;  // in the order of their first metric
  std::map<std::string_view, std::vector<const metric*>> by_name;
  for (const metric& m : metrics) {
    auto& same = by_name[m.name];
    if (same.empty()) names.push_back(m.name);
    same.push_back(&m);
  }
  std::string out;
  for (const std::string_view name : names) {
    const auto& same = by_name[name];
    out.append("# HELP ").append(name).append(" ").append(escaped(same.front()->help, false)).append("\n");
    out.append("# TYPE ").append(name).append(" ").append(word(same.front()->type)).append("\n");
    for (const metric* m : same) samples(out, *m);
  }
  return out;
}

}  // namespace postbus
