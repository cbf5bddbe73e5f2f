#include "check_report.hpp"

#include "output.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace postbus::cli {
namespace {

namespace json = boost::json;
using conformance::verdict;

style look_of(verdict v) {
  return v == verdict::passed ? style::green : v == verdict::failed ? style::red : style::yellow;
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

double seconds(const conformance::result& r) { return std::chrono::duration<double>(r.took).count(); }

std::string milliseconds(const conformance::result& r) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(r.took).count()) + " ms";
}

// Text in XML: what it may not hold at all is left out.
std::string xml(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') out += "&amp;";
    else if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '"') out += "&quot;";
    else if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t') out += c;
  }
  return out;
}

std::string joined(const std::vector<std::string>& sentences) {
  std::string all;
  for (const std::string& one : sentences) all += (all.empty() ? "" : "\n") + one;
  return all;
}

}  // namespace

check_report::check_report(std::string library, const common_options& common)
    : library_(std::move(library)),
      json_(common.json),
      quiet_(common.quiet),
      color_(wants_color(common.color, STDOUT_FILENO)) {}

void check_report::add(entry e) {
  if (!json_) {
    if (entries_.empty() || entries_.back().of != e.of)
      print(styled(e.of == "library" ? library_ : "transport " + e.of, style::bold, color_) + "\n");
    const verdict v = e.outcome.verdict;
    std::string text = styled(padded(to_string(v), 8), look_of(v), color_) + padded(e.name, 17) + e.title +
                       " (" + milliseconds(e.outcome) + ")\n";
    if (v == verdict::failed || (v == verdict::skipped && !quiet_))
      for (const std::string& reason : e.outcome.reasons) text += "          " + reason + "\n";
    print(text);
  }
  entries_.push_back(std::move(e));
}

void check_report::add_capabilities(const std::string& transport,
                                    std::vector<conformance::capability_verdict> verdicts) {
  capabilities_.push_back({transport, std::move(verdicts)});
}

std::size_t check_report::count(verdict v) const {
  return static_cast<std::size_t>(std::count_if(entries_.begin(), entries_.end(),
                                                [&](const entry& e) { return e.outcome.verdict == v; }));
}

void check_report::print_as_json() const {
  json::array checks, of_capabilities;
  for (const entry& e : entries_)
    checks.push_back(
        json::object{{"of", e.of},
                     {"name", e.name},
                     {"title", e.title},
                     {"verdict", to_string(e.outcome.verdict)},
                     {"reasons", json::array(e.outcome.reasons.begin(), e.outcome.reasons.end())},
                     {"seconds", seconds(e.outcome)}});
  for (const auto& [transport, verdicts] : capabilities_)
    for (const auto& v : verdicts)
      of_capabilities.push_back(json::object{{"transport", transport},
                                             {"capability", v.capability},
                                             {"verdict", to_string(v.verdict)},
                                             {"remark", v.remark}});
  print_json(json::object{{"library", library_},
                          {"checks", std::move(checks)},
                          {"capabilities", std::move(of_capabilities)},
                          {"passed", count(verdict::passed)},
                          {"failed", count(verdict::failed)},
                          {"skipped", count(verdict::skipped)}});
}

void check_report::finish() const {
  if (json_) return print_as_json();
  for (const auto& [transport, verdicts] : capabilities_) {
    table t({"CAPABILITY OF " + transport, "", "REMARK"});
    for (const auto& v : verdicts)
      t.add({v.capability, table::cell(std::string(to_string(v.verdict)), look_of(v.verdict)), v.remark});
    print("\n" + t.text(color_));
  }
  print("\n" + std::to_string(count(verdict::passed)) + " passed, " + std::to_string(failed()) + " failed, " +
        std::to_string(count(verdict::skipped)) + " skipped\n");
}

void check_report::write_junit(const std::filesystem::path& file) const {
  std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"" + xml(library_) +
                     "\" tests=\"" + std::to_string(entries_.size()) + "\" failures=\"" +
                     std::to_string(failed()) + "\" skipped=\"" + std::to_string(count(verdict::skipped)) +
                     "\">\n";
  for (const entry& e : entries_) {
    text += "  <testcase classname=\"" + xml(e.of) + "\" name=\"" + xml(e.name + ": " + e.title) +
            "\" time=\"" + std::to_string(seconds(e.outcome)) + "\"";
    const std::string why = xml(joined(e.outcome.reasons));
    if (e.outcome.verdict == verdict::failed) text += "><failure>" + why + "</failure></testcase>\n";
    else if (e.outcome.verdict == verdict::skipped) text += "><skipped>" + why + "</skipped></testcase>\n";
    else text += "/>\n";
  }
  text += "</testsuite>\n";
  std::ofstream out(file, std::ios::binary);
  out << text;
  out.close();
  if (!out)
    throw cli::failed(file.string() + ", which cannot be written", "a file to write to", "check the path");
}

}  // namespace postbus::cli
