// recording_sink: where a transport under test delivers to. It keeps copies of what came, and finds deliveries beyond the credit and
// after the subscription ended. It never answers by itself; a test settles what it wants by token.
//
//   recording_sink sink;
//   const answer a = host.subscribe("job:**", sink, {.credit = 2});
//   …
//   CHECK(sink.deliveries().size() == 2);
//
// Any thread. It outlives its subscription.
#pragma once

#include <postbus/testing/event.hpp>
#include <postbus/testing/faults.hpp>

#include <algorithm>
#include <stdexcept>

namespace postbus::testing {

class recording_sink {
 public:
  struct delivery {
    postbus::testing::event event;  // of a delivery that came as wire: its topic, and the wire bytes as data
    bool wire = false;
    std::string position;
    std::uint64_t token = 0;
    std::uint32_t attempt = 0;
  };
  struct notice {
    std::uint32_t kind = 0;  // POSTBUS_NOTICE_…
    std::string reason;
    std::uint64_t dropped = 0;
    std::size_t after = 0;  // deliveries that came before it
  };

  recording_sink() = default;
  recording_sink(const recording_sink&) = delete;
  recording_sink& operator=(const recording_sink&) = delete;

  std::vector<delivery> deliveries() const {
    const std::lock_guard lock(mutex_);
    return deliveries_;
  }
  std::vector<notice> notices() const {
    const std::lock_guard lock(mutex_);
    return notices_;
  }
  // The data of all deliveries, in order.
  std::vector<std::string> data() const {
    std::vector<std::string> all;
    for (const delivery& d : deliveries()) all.push_back(d.event.data);
    return all;
  }

 private:
  friend class fake_host;

  // The subscription begins, with this credit.
  const postbus_sink* open(faults& broken, std::uint32_t credit) {
    const std::lock_guard lock(mutex_);
    if (broken_ != nullptr) throw std::logic_error("a recording_sink is for one subscription");
    broken_ = &broken;
    credit_ = credit;
    return &table_;
  }
  void add_credit(std::uint32_t n) {
    const std::lock_guard lock(mutex_);
    credit_ += n;
  }
  void quiesced() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }

  void take(const postbus_delivery& d) {
    delivery copy{{}, d.event == nullptr, std::string(sdk::view(d.position)), d.token, d.attempt};
    if (d.event != nullptr) {
      copy.event = event::copy_of(*d.event);
    } else {
      copy.event.topic = sdk::view(d.topic);
      copy.event.data = sdk::view(d.wire.bytes);
    }
    if (d.wire.release != nullptr) d.wire.release(d.wire.ctx);
    const std::lock_guard lock(mutex_);
    const std::string name = "a delivery of '" + copy.event.topic + "' came ";
    if (closed_) broken_->add(name + "after the subscription was quiet");
    if (credit_ == 0) broken_->add(name + "beyond the credit");
    else if (credit_ != POSTBUS_CREDIT_UNLIMITED) --credit_;
    deliveries_.push_back(std::move(copy));
  }
  static void deliver(void* ctx, const postbus_delivery* deliveries, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) static_cast<recording_sink*>(ctx)->take(deliveries[i]);
  }
  static void notify(void* ctx, const postbus_notice* what) {
    auto& me = *static_cast<recording_sink*>(ctx);
    const std::lock_guard lock(me.mutex_);
    if (me.closed_) me.broken_->add("a notice came after the subscription was quiet");
    me.notices_.push_back(
        {what->kind, std::string(sdk::view(what->reason)), what->dropped, me.deliveries_.size()});
  }

  mutable std::mutex mutex_;
  faults* broken_ = nullptr;
  std::uint64_t credit_ = 0;
  bool closed_ = false;
  std::vector<delivery> deliveries_;
  std::vector<notice> notices_;
  const postbus_sink table_{sizeof(postbus_sink), 0, this, deliver, notify};
};

}  // namespace postbus::testing
