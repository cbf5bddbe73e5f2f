// faults: the promises of plugin.h that a plugin under test broke, each as a sentence. fake_host collects them; a test that expects
// some takes them with take(), and one that overlooks some is aborted by fake_host's destructor. Any thread.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postbus::testing {

class faults {
 public:
  void add(std::string sentence) {
    const std::lock_guard lock(mutex_);
    found_.push_back(std::move(sentence));
  }
  // What was found since the last take(), in order.
  std::vector<std::string> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(found_, {});
  }

  // From now on the plugin may not call the host, because `since` ("stop completed").
  void forbid_calls(std::string since) {
    const std::lock_guard lock(mutex_);
    closed_since_ = std::move(since);
  }
  // The plugin calls this function of the host.
  void called(std::string_view function) {
    const std::lock_guard lock(mutex_);
    if (!closed_since_.empty())
      found_.push_back(std::string(function) + " was called after " + closed_since_);
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> found_;
  std::string closed_since_;
};

}  // namespace postbus::testing
