#include "requests.hpp"

#include "engine/engine.hpp"

#include <postbus/sdk/topic.hpp>

namespace postbus::detail {
namespace {

std::string reply_topic(runtime& rt) {
  char text[36];
  format_uuid(make_uuid(rt.wall_ns(), rt.random(), rt.random()), text);
  return std::string(reply_prefix) + std::string(text, sizeof text);
}

// Of a request's timer.
struct limit_of_one {
  std::shared_ptr<engine> owner;
  std::string id;
};

}  // namespace

const std::string& requests::address() {
  std::call_once(named_, [this] { topic_ = reply_topic(*owner_.rt); });
  return topic_;
}

void requests::listen(transport_slot& to) {
  const std::lock_guard one_at_a_time(listening_);
  if (std::find(heard_.begin(), heard_.end(), &to) != heard_.end()) return;
  subscribe_options options;
  options.transport = to.name;
  options.prefetch = 1024;
  const auto hear = [](void* self, const delivery& d) { static_cast<requests*>(self)->came(d.event()); };
  owner_.subscribe(address(), options, {std::shared_ptr<void>(this, [](void*) {}), hear, nullptr},
                   subscriber::replies);
  heard_.push_back(&to);
}

void requests::start(std::string_view topic, bytes_view data, const publish_options& options,
                     std::chrono::nanoseconds timeout, answer tell) {
  const auto refuse = [&](error_code ec, std::string why) { tell(ec, {}, std::move(why)); };
  std::vector<header> headers(options.headers.begin(), options.headers.end());
  for (const header& h : headers)
    if (h.name == replyto_header)
      return refuse(make_error_code(error::bad_argument), "the header replyto is the bus's own");
  if (timeout.count() <= 0)
    return refuse(make_error_code(error::bad_argument), "a timeout that is not above 0");
  headers.push_back({replyto_header, address()});
  publish_options mine = options;
  mine.headers = headers;
  if (!mine.ttl || *mine.ttl > timeout) mine.ttl = timeout;
  mine.deadline = std::min(mine.deadline, timeout);
  std::unique_ptr<async_publish> p;
  try {
    if (sdk::check_topic(topic))
      return refuse(make_error_code(error::bad_argument), sdk::describe(sdk::check_topic(topic), topic));
    p = owner_.prepare(topic, data, mine);
    if (!p->ec) listen(*owner_.transports[owner_.routes.route(topic)]);
  } catch (const error& e) {
    return refuse(e.code(), e.what());
  }
  if (p->ec) return refuse(p->ec, {});
  const std::string id(sdk::view(p->event->id));
  {
    const std::lock_guard lock(mutex_);
    const auto [at, is_new] = pending_.try_emplace(id);
    if (!is_new) return refuse(make_error_code(error::bad_argument), "a second request with the id " + id);
    at->second.tell = std::move(tell);
    const auto over = [](void* ctx, std::int32_t status, const void*, const postbus_error*) {
      const std::unique_ptr<limit_of_one> it(static_cast<limit_of_one*>(ctx));
      if (status == POSTBUS_OK)
        it->owner->replies.finish(it->id, make_error_code(error::timed_out), {}, "no reply");
    };
    at->second.timer =
        owner_.rt->timer(timeout.count(), {over, new limit_of_one{owner_.shared_from_this(), id}});
  }
  p->direct = [this, id, raw = p.get()](error_code ec, receipt) {
    if (ec) finish(id, ec, {}, raw->detail);
  };
  engine::start(std::move(p));
}

void requests::came(const event& reply) {
  const auto failed = reply.header(replyerror_header);
  finish(std::string(reply.header("causationid").value_or("")),
         failed ? make_error_code(error::failed) : error_code(), reply,
         failed ? "the reply is an error: " + std::string(*failed) : std::string());
}

void requests::finish(const std::string& id, error_code ec, event reply, std::string why) {
  pending mine;
  {
    const std::lock_guard lock(mutex_);
    auto found = pending_.extract(id);
    if (found.empty()) {
      if (reply) late_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    mine = std::move(found.mapped());
  }
  owner_.rt->cancel(mine.timer);
  mine.tell(ec, std::move(reply), std::move(why));
  owner_.something_ended();
}

void requests::close() {
  std::map<std::string, pending, std::less<>> left;
  {
    const std::lock_guard lock(mutex_);
    left.swap(pending_);
  }
  for (auto& [id, mine] : left) {
    owner_.rt->cancel(mine.timer);
    mine.tell(make_error_code(error::closed), {}, "the bus closed before the reply came");
  }
}

std::size_t requests::waiting() const {
  const std::lock_guard lock(mutex_);
  return pending_.size();
}

}  // namespace postbus::detail
