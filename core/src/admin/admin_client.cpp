#include "admin_client.hpp"

#include "deliver/settlement_access.hpp"

namespace postbus::detail {
namespace {

constexpr std::size_t bookkeeping = 256;  // bytes that an event takes besides its data and headers, about

std::size_t size_of(const delivery& d) { return d.data().size() + d.topic().size() + bookkeeping; }

}  // namespace

struct admin_client::handler_object {
  std::shared_ptr<admin_client> client;
  std::shared_ptr<admin_feed> feed;

  static void deliver(void* self, const delivery& d) {
    auto& mine = *static_cast<handler_object*>(self);
    mine.client->deliver(*mine.feed, d);
  }
  static void copy(void* self, const delivery& d) {
    auto& mine = *static_cast<handler_object*>(self);
    mine.client->copy(*mine.feed, d);
  }
};

void admin_client::wake() {
  if (!on_arrival_ || std::exchange(woken_, true)) return;
  on_arrival_();
}

void admin_client::on_arrival(std::function<void()> wake) {
  const std::lock_guard lock(mutex_);
  on_arrival_ = std::move(wake);
}

void admin_client::put_answer(std::uint64_t request, std::string line) {
  const std::lock_guard lock(mutex_);
  if (!on_arrival_) return;
  answers_.push_back({request, std::move(line)});
  wake();
}

std::deque<admin_client::answer> admin_client::take_answers() {
  const std::lock_guard lock(mutex_);
  woken_ = false;
  return std::exchange(answers_, {});
}

// ---- what comes, on the threads of the bus

// Of a subscription that has ended it waits too: finish() gives it back.
void admin_client::deliver(admin_feed& feed, const delivery& d) {
  settlement owed = d.defer();
  postbus::event what = owed.event();
  const std::lock_guard lock(mutex_);
  feed.waiting.push_back({std::move(what), std::move(owed), d.attempt(), 0, 0});
  wake();
}

void admin_client::copy(admin_feed& feed, const delivery& d) {
  const std::size_t bytes = size_of(d);
  {
    const std::lock_guard lock(mutex_);
    if (feed.ended) return;
    if (tail_bytes_ + bytes > tail_bytes_max_) {
      ++feed.discarded;
      counts_.discarded_events.fetch_add(1, std::memory_order_relaxed);
      return;  // the session tells when it next has room: it was woken for what fills it
    }
    tail_bytes_ += bytes;
  }
  postbus::event what = d.event();  // copies it, perhaps
  const std::lock_guard lock(mutex_);
  feed.waiting.push_back({std::move(what), std::nullopt, 0, bytes, std::exchange(feed.discarded, 0)});
  wake();
}

// ---- what goes, on the session's thread

std::optional<admin_client::line_item> admin_client::next() {
  const std::lock_guard lock(mutex_);
  auto at = feeds_.upper_bound(turn_);
  for (std::size_t looked_at = 0; looked_at < feeds_.size(); ++looked_at, ++at) {
    if (at == feeds_.end()) at = feeds_.begin();
    admin_feed& feed = *at->second;
    if (!feed.announced || (feed.waiting.empty() && feed.discarded == 0)) continue;
    turn_ = feed.number;
    line_item item{at->second, {}, 0};
    if (feed.waiting.empty()) {
      item.came.discarded_before = std::exchange(feed.discarded, 0);
      return item;
    }
    item.came = std::move(feed.waiting.front());
    feed.waiting.pop_front();
    tail_bytes_ -= item.came.bytes;
    if (item.came.owed) {
      item.delivery = ++last_delivery_;
      sent_.emplace(item.delivery, std::move(*item.came.owed));
      item.came.owed.reset();
    }
    return item;
  }
  return std::nullopt;
}

void admin_client::announce(admin_feed& feed) {
  const std::lock_guard lock(mutex_);
  feed.announced = true;
  wake();
}

settlement admin_client::take_delivery(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  const auto found = sent_.find(number);
  if (found == sent_.end()) {
    const bool was_sent = number != 0 && number <= last_delivery_;
    throw error(was_sent ? error::already_settled : error::bad_argument,
                "an answer for the delivery " + std::to_string(number) +
                    (was_sent ? ", which has its answer" : ", which was never sent"),
                "the number of a delivery on this connection that has none yet", "");
  }
  settlement owed = std::move(found->second);
  sent_.erase(found);
  return owed;
}

// ---- subscriptions, on the thread that may wait

std::shared_ptr<admin_feed> admin_client::open(const std::shared_ptr<admin_client>& self, std::string pattern,
                                               admin_feed::kind what, const subscribe_options& options) {
  std::shared_ptr<admin_feed> feed;
  {
    const std::lock_guard lock(self->mutex_);
    if (self->feeds_.size() >= feeds_max)
      throw error(error::full, "one more subscription of this client",
                  "at most " + std::to_string(feeds_max) + " at once", "open another connection");
    feed = std::make_shared<admin_feed>(++self->last_feed_, std::move(pattern), what);
  }
  const bool copies = what == admin_feed::kind::copies;
  const handler run{std::make_shared<handler_object>(handler_object{self, feed}),
                    copies ? handler_object::copy : handler_object::deliver, nullptr};
  feed->subscription =
      self->owner_.subscribe(feed->pattern, options, run, copies ? subscriber::onlooker : subscriber::client);
  self->counts_.subscriptions.fetch_add(1, std::memory_order_relaxed);
  const std::lock_guard lock(self->mutex_);
  self->feeds_.emplace(feed->number, feed);
  return feed;
}

// No handler runs any more when what waits goes back: none comes after it.
void admin_client::finish(const std::shared_ptr<admin_feed>& feed) {
  owner_.retire(feed->subscription, {});
  owner_.wait_for_handlers(*feed->subscription);
  std::deque<admin_feed::arrival> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting.swap(feed->waiting);
    for (const auto& came : waiting) tail_bytes_ -= came.bytes;
  }
  for (auto& came : waiting)
    if (came.owed) settlement_access::give_back(std::move(*came.owed));
  feed->subscription.reset();  // which holds the handler, which holds the feed
  counts_.subscriptions.fetch_sub(1, std::memory_order_relaxed);
}

void admin_client::close(std::uint64_t number) {
  std::shared_ptr<admin_feed> feed;
  {
    const std::lock_guard lock(mutex_);
    const auto found = feeds_.find(number);
    if (found == feeds_.end())
      throw error(error::bad_argument, "unsubscribe from the subscription " + std::to_string(number),
                  "the number of one on this connection", "");
    feed = std::move(found->second);
    feeds_.erase(found);
    feed->ended = true;
  }
  finish(feed);
}

void admin_client::end() {
  std::map<std::uint64_t, std::shared_ptr<admin_feed>> feeds;
  std::map<std::uint64_t, settlement> sent;
  {
    const std::lock_guard lock(mutex_);
    feeds.swap(feeds_);
    sent.swap(sent_);
    for (const auto& [number, feed] : feeds) feed->ended = true;
  }
  // All of them first: what goes back is not for another subscription of this client.
  for (const auto& [number, feed] : feeds) owner_.retire(feed->subscription, {});
  for (const auto& [number, feed] : feeds) finish(feed);
  for (auto& [number, owed] : sent) settlement_access::give_back(std::move(owed));
}

}  // namespace postbus::detail
