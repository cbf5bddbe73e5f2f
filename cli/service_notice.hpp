// service_notice: telling whoever started us that we are ready, or stopping: systemd (Type=notify), or anyone who waits for a file.
#pragma once

#include <string>
#include <string_view>

namespace postbus::cli {

// Sends `state` ("READY=1", "STOPPING=1") to $NOTIFY_SOCKET, if there is one. What cannot be sent is left unsaid, as systemd's own
// library does.
void notify_service_manager(std::string_view state);

// A file with our process id, which appears at once and is removed with this object. Throws failure.
class ready_file {
 public:
  explicit ready_file(std::string path);  // empty: none
  ~ready_file();
  ready_file(const ready_file&) = delete;
  ready_file& operator=(const ready_file&) = delete;

 private:
  std::string path_;
};

}  // namespace postbus::cli
