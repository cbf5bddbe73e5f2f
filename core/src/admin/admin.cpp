#include "admin.hpp"

#include "admin_json.hpp"
#include "admin_session.hpp"

#include <boost/asio/post.hpp>
#include <sys/socket.h>
#include <unistd.h>

namespace postbus::detail {
namespace {

constexpr std::int64_t wind_down_ns =
    1'000'000'000;  // for the threads to end, before the bus goes on closing
constexpr auto accept_pause = std::chrono::milliseconds(100);  // when there are no descriptors left
constexpr auto farewell_max =
    std::chrono::milliseconds(500);  // for clients that do not read their last lines

}  // namespace

admin::admin(engine& owner, const admin_settings& settings)
    : owner_(owner), settings_(settings), file_(settings_.path) {
  acceptor_.assign(stream(), file_.release());
  acceptor_.non_blocking(true);
}

admin::~admin() {
  for (std::thread& t : threads_)
    if (t.joinable()) t.join();
  file_.remove();
}

void admin::start() {
  boost::asio::post(sockets_, [this] { accept(); });
  boost::asio::io_context* const contexts[] = {&sockets_, &waiting_};
  for (int i = 0; i < 2; ++i) {
    {
      const std::lock_guard lock(mutex_);
      ++running_;
    }
    try {
      threads_[i] = std::thread([this, context = contexts[i]] { run(*context); });
    } catch (...) {
      const std::lock_guard lock(mutex_);
      --running_;
      throw;
    }
  }
}

void admin::run(boost::asio::io_context& context) {
  for (bool over = false; !over;) {
    try {
      context.run();
      over = true;
    } catch (const std::exception& e) {
      owner_.log->write(POSTBUS_LOG_ERROR, "admin",
                        std::string("a step of the admin socket failed: ") + e.what());
    }
  }
  const std::lock_guard lock(mutex_);
  --running_;
  changed_.notify_all();
}

// ---- clients come

void admin::accept() {
  acceptor_.async_accept(sockets_, [this](boost::system::error_code ec, stream::socket socket) {
    if (closing_ || ec == boost::asio::error::operation_aborted) return;
    if (!ec) {
      welcome(std::move(socket));
      return accept();
    }
    warn("accept", "the admin socket cannot take a client: " + ec.message());
    pause_.expires_after(accept_pause);
    pause_.async_wait([this](boost::system::error_code cancelled) {
      if (!cancelled && !closing_) accept();
    });
  });
}

void admin::welcome(stream::socket socket) {
  const auto peer = peer_of(socket.native_handle());
  if (!peer || !admits(*peer, ::geteuid())) {
    counts_.strangers.fetch_add(1, std::memory_order_relaxed);
    const std::string who =
        peer ? "a client of the user " + std::to_string(*peer) : "a client of no known user";
    warn("stranger", who + " was refused");
    return turn_away(socket, error::refused, who, "the user that the bus runs as, or root", "");
  }
  if (sessions_.size() >= settings_.clients_max) {
    counts_.turned_away.fetch_add(1, std::memory_order_relaxed);
    const std::string found = "one more than " + std::to_string(settings_.clients_max) + " clients";
    warn("turned away", found + " was turned away");
    return turn_away(socket, error::full, found, "fewer at once",
                     "close another one, or raise bus.admin_clients_max");
  }
  boost::system::error_code ec;
  socket.non_blocking(true, ec);
  if (ec) return;
  const auto session = std::make_shared<admin_session>(*this, std::move(socket));
  sessions_.insert(session);
  counts_.clients.store(sessions_.size(), std::memory_order_relaxed);
  counts_.clients_total.fetch_add(1, std::memory_order_relaxed);
  session->start();
}

void admin::turn_away(stream::socket& socket, int code, const std::string& found, const std::string& wanted,
                      const std::string& remedy) {
  const error why(static_cast<error::errc>(code), found, wanted, remedy);
  const std::string line = "{\"error\":" + json::serialize(to_json(why)) + "}\n";
  // A socket that was never written to has room for a line.
  [[maybe_unused]] const ssize_t sent =
      ::send(socket.native_handle(), line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void admin::ended(const std::shared_ptr<admin_session>& session) {
  sessions_.erase(session);
  counts_.clients.store(sessions_.size(), std::memory_order_relaxed);
  if (!closing_ || !sessions_.empty()) return;
  pause_.cancel();
  sockets_work_.reset();
}

void admin::may_wait(std::function<void()> f) { boost::asio::post(waiting_, std::move(f)); }

void admin::warn(std::string_view what, std::string_view message) {
  owner_.log->burst(POSTBUS_LOG_WARN, "admin", what, message);
}

// ---- and go

// On the sockets' thread. The work of the other one ends with what the sessions leave to it.
void admin::close_all() {
  closing_ = true;
  boost::system::error_code ec;
  file_.remove();
  acceptor_.close(ec);
  pause_.cancel();
  if (sessions_.empty()) {
    sockets_work_.reset();
    waiting_work_.reset();
    return;
  }
  const auto all = sessions_;  // which ended() takes them out of
  for (const auto& session : all) session->say_farewell();
  waiting_work_.reset();
  pause_.expires_after(farewell_max);
  pause_.async_wait([this](boost::system::error_code cancelled) {
    if (cancelled) return;
    const auto left = sessions_;
    for (const auto& session : left) session->drop();
  });
}

void admin::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stopped_, true)) return;
    if (running_ == 0) return file_.remove();  // start() never came
  }
  boost::asio::post(sockets_, [this] { close_all(); });
  wait(deadline(steady_ns() + wind_down_ns));
}

bool admin::wait(const deadline& end) {
  std::unique_lock lock(mutex_);
  return end.wait(lock, changed_, [&] { return running_ == 0; });
}

void admin::look_at_the_time_again() {
  const std::lock_guard lock(mutex_);
  changed_.notify_all();
}

void admin::abandon() {
  for (std::thread& t : threads_)
    if (t.joinable()) t.detach();
}

}  // namespace postbus::detail
