// The main job: reads GitHub webhooks from a file, one JSON object a line, publishes each on github:{event}:{repo}, and has four
// subscriptions work on them. At the end it prints what became of every one.
//
//   05_webhooks [FILE] [--config FILE] [--set key=value]...
//
// The transport comes from the configuration; nothing below knows which one it is.
#include <postbus/bus.hpp>

#include <boost/json.hpp>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <map>
#include <mutex>

namespace {

// `text` with every character that a topic may not hold replaced by '_'.
std::string segment(std::string_view text) {
  std::string s;
  for (const char c : text)
    s += c == ':' || c == '*' || c == '{' || c == '}' || static_cast<unsigned char>(c) <= ' ' || c == 0x7f
             ? '_'
             : c;
  return s.empty() ? "-" : s;
}

// github:{event}:{repo} of one webhook; throws when the line is not one.
std::string topic_of(std::string_view line) {
  const boost::json::object webhook = boost::json::parse(line).as_object();
  std::string_view repo = "-";
  if (const auto* repository = webhook.at("payload").as_object().if_contains("repository");
      repository != nullptr && repository->is_object())
    if (const auto* name = repository->get_object().if_contains("name"); name != nullptr && name->is_string())
      repo = std::string_view(name->get_string());
  return "github:" + segment(std::string_view(webhook.at("event").as_string())) + ":" + segment(repo);
}

// Handlers count what they have finished; main waits until everything is.
class progress {
 public:
  void finished() {
    const std::lock_guard lock(mutex_);
    ++finished_;
    changed_.notify_all();
  }
  bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::minutes(1), [&] { return finished_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t finished_ = 0;
};

struct arguments {
  std::filesystem::path file = POSTBUS_SAMPLE_FILE;
  postbus::config config;
};

arguments parse(int argc, char** argv) {
  arguments a;
  std::vector<std::pair<std::string, std::string>> settings;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--config" && i + 1 < argc) {
      a.config = postbus::config::from_file(argv[++i]);
    } else if (word == "--set" && i + 1 < argc) {
      const std::string_view setting = argv[++i];
      settings.emplace_back(setting.substr(0, setting.find('=')),
                            setting.find('=') != setting.npos ? setting.substr(setting.find('=') + 1) : "");
    } else if (word.starts_with("--")) {
      throw std::invalid_argument("found " + std::string(word) +
                                  "; wanted 05_webhooks [FILE] [--config FILE] [--set key=value]...");
    } else {
      a.file = word;
    }
  }
  for (const auto& [path, value] : settings) a.config.set(path, value);
  return a;
}

int run(const arguments& a) {
  std::ifstream lines(a.file);
  if (!lines) throw std::invalid_argument("cannot read " + a.file.string());

  postbus::bus bus(a.config);
  progress done;

  // A counter by pattern, with captures.
  std::mutex mutex;
  std::map<std::string, int, std::less<>> by_event;
  auto counter = bus.subscribe("github:{event}:{repo}", [&](const postbus::delivery& d) {
    const std::lock_guard lock(mutex);
    ++by_event[std::string(d.param("event"))];
    done.finished();
  });

  // Two workers that share the load.
  postbus::subscribe_options in_group;
  in_group.group = "workers";
  const auto work = [&](const postbus::delivery&) { done.finished(); };
  auto worker_1 = bus.subscribe("github:**", work, in_group);
  auto worker_2 = bus.subscribe("github:**", work, in_group);

  // A handler whose first attempt fails for every 8th event.
  postbus::subscribe_options patient;
  patient.backoff.first = std::chrono::milliseconds(10);
  auto flaky = bus.subscribe(
      "github:**",
      [&](const postbus::delivery& d) {
        if (d.attempt() == 1 && std::stoi(std::string(d.header("line").value())) % 8 == 0)
          throw std::runtime_error("the first attempt fails");
        done.finished();
      },
      patient);

  // An audit trail of everything.
  std::size_t audited_bytes = 0;
  auto audit = bus.subscribe("**", [&](const postbus::delivery& d) {
    audited_bytes += d.data().size();  // one handler at a time: no lock
    done.finished();
  });

  std::size_t published = 0, number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.empty()) continue;
    std::string topic;
    try {
      topic = topic_of(line);
    } catch (const std::exception& e) {
      std::cerr << a.file.string() << ":" << number << ": not a webhook, skipped: " << e.what() << '\n';
      continue;
    }
    const std::string position = std::to_string(published + 1);
    const postbus::header headers[] = {{"line", position}};
    postbus::publish_options options;
    options.content_type = "application/json";
    options.headers = headers;
    bus.publish(topic, line, options);
    ++published;
  }
  const bool complete = done.wait_for(4 * published);
  // The last handlers have said so from inside: wait until they have returned, too.
  bus.wait_until_idle();

  const auto row = [](std::string_view name, const postbus::delivery_counts& c) {
    std::cout << "  " << std::left << std::setw(34) << name << std::right << std::setw(9) << c.acked
              << std::setw(9) << c.retried << std::setw(9) << c.dead << '\n';
  };
  postbus::delivery_counts workers = worker_1.counts();
  workers.acked += worker_2.counts().acked;
  std::cout << "published " << published << ", " << by_event.size() << " kinds of event, " << audited_bytes
            << " bytes\n\n"
            << "  " << std::left << std::setw(34) << "subscription" << std::right << std::setw(9)
            << "delivered" << std::setw(9) << "retried" << std::setw(9) << "given up" << '\n';
  row("github:{event}:{repo}  counter", counter.counts());
  row("github:**  group of two workers", workers);
  row("github:**  fails every 8th once", flaky.counts());
  row("**  audit", audit.counts());
  std::cout << "\nin flight " << bus.in_flight().size() << '\n';
  return complete && bus.close().clean ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(parse(argc, argv));
  } catch (const std::exception& e) {
    std::cerr << "05_webhooks: " << e.what() << '\n';
    return dynamic_cast<const std::invalid_argument*>(&e) != nullptr ? 2 : 1;
  }
}
