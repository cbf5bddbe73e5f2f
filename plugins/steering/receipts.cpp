#include "receipts.hpp"

#include <postbus/sdk/timestamp.hpp>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <memory>

namespace postbus::steering_plugin {
namespace {

namespace json = boost::json;

// Of a publish under way: the plugin has not stopped before its answer.
struct under_way {
  sdk::context& ctx;
  explicit under_way(sdk::context& c) : ctx(c) { ctx.owed().retain(); }
  under_way(const under_way&) = delete;
  under_way& operator=(const under_way&) = delete;
  ~under_way() { ctx.owed().release(); }

  static void finish(void* self, std::int32_t status, const void* result, const postbus_error* e) {
    const std::unique_ptr<under_way> mine(static_cast<under_way*>(self));
    const auto* receipt = static_cast<const postbus_receipt*>(result);
    if (status == POSTBUS_OK && (receipt == nullptr || receipt->status == POSTBUS_OK)) return;
    mine->ctx.log(POSTBUS_LOG_WARN,
                  "a receipt could not be published; steering.receipt still tells it: " +
                      std::string(e != nullptr ? e->message : "status " + std::to_string(status)));
  }
};

std::string place_for(std::string_view capture) { return "{" + std::string(capture) + "}"; }

}  // namespace

receipts::receipts(sdk::context& ctx, sdk::store_client& store, std::chrono::nanoseconds ttl)
    : ctx_(ctx),
      store_(store),
      ttl_(ttl),
      topic_(ctx.text("status")),
      capture_(place_for(ctx.text("capture"))),
      publisher_(ctx.service<postbus_publisher>("postbus.publish/1", &publisher_self_)),
      accepted_(ctx.metric(POSTBUS_COUNTER, "accepted_total", "Items pushed to sessions that go on.")),
      seen_(ctx.metric(POSTBUS_COUNTER, "seen_total", "Items that a worker confirmed.")),
      late_(ctx.metric(POSTBUS_COUNTER, "late_total",
                       "Items that came, or were left, when their session ended.")),
      dropped_(ctx.metric(POSTBUS_COUNTER, "dropped_total",
                          "Items dropped by an abort, an interrupt or a clear.")) {
  if (publisher_ == nullptr) throw sdk::failure(POSTBUS_E_UNSUPPORTED, "this host has no postbus.publish/1");
  if (!topic_.empty() && topic_.find(capture_) == topic_.npos)
    throw sdk::failure(POSTBUS_E_INVALID, "found status = '" + topic_ + "'; wanted a topic with " + capture_ +
                                              " in it, or nothing");
}

std::string receipts::topic_of(const session& s) const {
  std::string topic = topic_;
  if (!topic.empty()) topic.replace(topic.find(capture_), capture_.size(), s.id());
  return topic;
}

void receipts::pushed(const session& s, const std::string& id, bool late) const {
  ctx_.add(late ? late_ : accepted_);
  publish(s, {id}, late ? "late" : "accepted");
}

// An item that is late stays what it was, and may still be seen.
void receipts::late(const session& s, const std::vector<std::string>& ids) const {
  ctx_.add(late_, static_cast<std::int64_t>(ids.size()));
  publish(s, ids, "late");
}

void receipts::tell(const session& s, const std::vector<std::string>& ids, const char* status,
                    std::uint32_t counter) const {
  if (ids.empty()) return;
  ctx_.add(counter, static_cast<std::int64_t>(ids.size()));
  sdk::store_ops ops;
  for (const std::string& id : ids) ops.set(s.item(id), status).ttl(ttl_);
  store_.execute(std::move(ops), [this](const sdk::store_answer& a) {
    if (!a.ok())
      ctx_.log(POSTBUS_LOG_WARN, "the store did not take receipts, which are published nevertheless: " +
                                     std::string(a.message()));
  });
  publish(s, ids, status);
}

void receipts::publish(const session& s, const std::vector<std::string>& ids, const char* status) const {
  if (topic_.empty() || ids.empty()) return;
  std::string time;
  sdk::append_timestamp(time, ctx_.wall_ns());
  const std::string data = json::serialize(json::object{
      {"session", s.id()}, {"status", status}, {"ids", json::array(ids.begin(), ids.end())}, {"time", time}});
  const std::string topic = topic_of(s);
  postbus_event fields{};
  fields.size = sizeof fields;
  fields.topic = sdk::str(topic);
  fields.content_type = sdk::str("application/json");
  fields.data = sdk::bytes(data);
  const postbus_event* one = &fields;
  publisher_->publish(publisher_self_, &one, 1, {&under_way::finish, new under_way(ctx_)});
}

}  // namespace postbus::steering_plugin
