#include "admin_session.hpp"

#include "admin_methods.hpp"

#include <postbus/sdk/units.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <poll.h>
#include <unistd.h>

namespace postbus::detail {
namespace {

constexpr std::size_t kept_max = 64 * 1024;  // bytes of room that an idle connection may hold on to

}  // namespace

admin_session::admin_session(admin& owner, admin::stream::socket socket)
    : owner_(owner),
      socket_(std::move(socket)),
      client_(std::make_shared<admin_client>(owner.owner(), owner.counts(), owner.settings().queue_max)),
      lines_(owner.settings().line_max),
      line_timer_(socket_.get_executor()) {}

void admin_session::start() {
  client_->on_arrival([weak = weak_from_this(), executor = socket_.get_executor()] {
    boost::asio::post(executor, [weak] {
      if (const auto self = weak.lock()) self->collect();
    });
  });
  say({{"postbus", json::object{{"protocol", 1},
                                {"version", POSTBUS_VERSION},
                                {"bus", json_text(owner_.owner().source)},
                                {"pid", ::getpid()}}}});
  flush();
  read_on();
}

// ---- in

bool admin_session::may_read() const noexcept {
  return !gone_ && !no_more_requests_ && unanswered_.size() < unanswered_max &&
         answers_sending_ + answers_to_send_ <= owner_.settings().queue_max;
}

// First what was read before and not looked at, then more.
void admin_session::read_on() {
  if (!reading_ && may_read()) take_lines();
  if (!reading_ && !may_read()) watch();
  if (reading_ || !may_read()) return time_line();
  reading_ = true;
  time_line();
  socket_.async_read_some(
      boost::asio::buffer(chunk_),
      [self = shared_from_this()](boost::system::error_code ec, std::size_t n) { self->on_read(ec, n); });
}

void admin_session::watch() {
  if (gone_ || std::exchange(watching_, true)) return;
  socket_.async_wait(admin::stream::socket::wait_error,
                     [weak = weak_from_this()](boost::system::error_code ec) {
                       const auto self = weak.lock();
                       if (!self || self->gone_) return;
                       self->watching_ = false;
                       pollfd state{self->socket_.native_handle(), 0, 0};
                       if (!ec && ::poll(&state, 1, 0) == 1 && (state.revents & (POLLHUP | POLLERR)) != 0)
                         self->drop();
                     });
}

void admin_session::on_read(boost::system::error_code ec, std::size_t n) {
  reading_ = false;
  if (gone_ || no_more_requests_) return;
  if (ec) {
    // It may still read: its requests are answered, but its subscriptions end here.
    no_more_requests_ = true;
    line_timer_.cancel();
    release_client();
    if (ec != boost::asio::error::eof) return drop();
    return end_if_over();
  }
  lines_.add({chunk_.data(), n});
  read_on();
}

void admin_session::take_lines() {
  std::string_view line;
  while (may_read()) {
    switch (lines_.next(line)) {
      case admin_line::state::complete:
        line_timer_.cancel();
        timing_ = false;
        if (line.find_first_not_of(" \t") != std::string_view::npos) take_line(line);
        break;
      case admin_line::state::partial:
        return flush();
      case admin_line::state::too_long:
        return refuse_and_end(error(
            error::too_large,
            "a line of more than " + sdk::bytes_text(static_cast<std::int64_t>(owner_.settings().line_max)),
            "shorter ones", "send less at once, or raise bus.admin_line_max"));
    }
  }
  flush();
}

void admin_session::take_line(std::string_view line) {
  admin_request request;
  try {
    request = parse_request(line);
  } catch (const bad_request& bad) {
    return refuse_line(bad.id, bad.what);
  }
  owner_.counts().requests.fetch_add(1, std::memory_order_relaxed);
  const std::uint64_t number = ++last_request_;
  pending& mine = unanswered_[number];
  mine.id = std::move(request.id);
  const admin_plan plan = plan_of(owner_.owner(), request);
  if (plan.deadline_ns > 0) {
    mine.deadline = std::make_unique<boost::asio::steady_timer>(socket_.get_executor(),
                                                                std::chrono::nanoseconds(plan.deadline_ns));
    mine.deadline->async_wait([weak = weak_from_this(), number](boost::system::error_code ec) {
      if (const auto self = weak.lock(); self && !ec) self->expire(number);
    });
  }
  admin_call call{owner_.owner(), client_, std::move(request), {client_, number}};
  if (!plan.may_wait) return run(std::move(call));
  owner_.may_wait([call = std::move(call)]() mutable { run(std::move(call)); });
}

// The time for the rest of a line runs while it is waited for, not while we do not read.
void admin_session::time_line() {
  if (no_more_requests_) return;  // the timer is the end's
  const bool wanted = reading_ && lines_.begun();
  if (wanted == timing_) return;
  timing_ = wanted;
  line_timer_.cancel();
  if (!wanted) return;
  const std::int64_t timeout = owner_.settings().timeout_ns;
  line_timer_.expires_after(std::chrono::nanoseconds(timeout));
  line_timer_.async_wait([weak = weak_from_this(), timeout](boost::system::error_code ec) {
    const auto self = weak.lock();
    if (!self || ec || !self->timing_ || self->gone_ || self->no_more_requests_) return;
    if (self->line_timer_.expiry() > std::chrono::steady_clock::now()) return;  // set again meanwhile
    self->refuse_and_end(error(error::timed_out, "a line without its end for " + sdk::duration_text(timeout),
                               "whole lines", "send a line at once, or raise bus.admin_timeout"));
  });
}

void admin_session::refuse_line(const json::value& id, const error& why) {
  owner_.counts().refused_lines.fetch_add(1, std::memory_order_relaxed);
  owner_.warn("refused line", "a line of a client was refused: " + std::string(json_text(why.what())));
  json::object line;
  if (!id.is_null()) line["id"] = id;
  line["error"] = to_json(why);
  const std::size_t before = to_send_.size();
  say(std::move(line));
  answers_to_send_ += to_send_.size() - before;
}

void admin_session::refuse_and_end(const error& why) {
  refuse_line(nullptr, why);
  no_more_requests_ = true;
  release_client();
  unanswered_.clear();
  // Who does not even read that is not waited for.
  line_timer_.expires_after(std::chrono::nanoseconds(owner_.settings().timeout_ns));
  line_timer_.async_wait([weak = weak_from_this()](boost::system::error_code ec) {
    if (const auto self = weak.lock(); self && !ec) self->drop();
  });
  flush();
  end_if_over();
}

// ---- answers

void admin_session::expire(std::uint64_t request) {
  const error late(error::timed_out, "no answer of the plugin", "one before the deadline",
                   "ask again with a longer \"deadline\"");
  answer(request, "\"error\":" + json::serialize(to_json(late)) + "}\n");
  flush();
  read_on();
  end_if_over();
}

// The first answer counts; one that comes after the deadline is for nobody.
void admin_session::answer(std::uint64_t request, std::string_view rest) {
  const auto found = unanswered_.find(request);
  if (found == unanswered_.end()) return;
  const std::size_t before = to_send_.size();
  to_send_ += '{';
  if (!found->second.id.is_null())
    to_send_.append("\"id\":").append(json::serialize(found->second.id)).append(",");
  to_send_ += rest;
  answers_to_send_ += to_send_.size() - before;
  unanswered_.erase(found);
}

void admin_session::say(json::object line) { to_send_.append(json::serialize(line)).append("\n"); }

// Takes what came, as far as there is room for it.
void admin_session::collect() {
  if (gone_) return;
  for (const auto& a : client_->take_answers()) answer(a.request, a.line);
  while (!client_released_ && waiting() < owner_.settings().queue_max) {
    const auto item = client_->next();
    if (!item) break;
    send_item(*item);
  }
  flush();
  read_on();
  end_if_over();
}

void admin_session::send_item(const admin_client::line_item& item) {
  const std::uint64_t number = item.feed->number;
  if (item.came.discarded_before != 0) {
    say({{"subscription", number}, {"discarded", item.came.discarded_before}});
    owner_.warn("discarded", "a tail that does not keep up loses events");
  }
  if (!item.came.what) return;
  json::object line{{"subscription", number}};
  if (item.delivery != 0) {
    line["delivery"] = item.delivery;
    line["attempt"] = item.came.attempt;
    line["params"] = captures_json(item.feed->pattern, item.came.what.topic());
  }
  line["event"] = to_json(item.came.what);
  say(std::move(line));
}

// ---- out

void admin_session::flush() {
  if (gone_ || !sending_.empty() || to_send_.empty()) return;
  sending_.swap(to_send_);
  answers_sending_ = std::exchange(answers_to_send_, 0);
  boost::asio::async_write(
      socket_, boost::asio::buffer(sending_),
      [self = shared_from_this()](boost::system::error_code ec, std::size_t) { self->on_written(ec); });
}

void admin_session::on_written(boost::system::error_code ec) {
  if (gone_) return;
  if (ec) return drop();
  sending_.clear();
  answers_sending_ = 0;
  if (sending_.capacity() > kept_max) sending_.shrink_to_fit();
  collect();
}

// ---- the end

void admin_session::release_client() {
  if (std::exchange(client_released_, true)) return;
  owner_.may_wait([client = client_] { client->end(); });
}

void admin_session::end_if_over() {
  if (!gone_ && no_more_requests_ && unanswered_.empty() && waiting() == 0) drop();
}

void admin_session::say_farewell() {
  if (gone_) return;
  no_more_requests_ = true;
  release_client();
  unanswered_.clear();
  say({{"closing", true}});
  flush();
}

void admin_session::drop() {
  if (std::exchange(gone_, true)) return;
  const auto self = shared_from_this();
  client_->on_arrival({});
  release_client();
  unanswered_.clear();
  line_timer_.cancel();
  boost::system::error_code ec;
  socket_.close(ec);
  owner_.ended(self);
}

}  // namespace postbus::detail
