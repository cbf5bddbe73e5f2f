// The feature steering with one promise broken on the way in or out of its methods, when it is told to: whenever it matters, or one time
// in a thousand ("order rarely").
#include "steering/steering.hpp"

#include <postbus/sdk/plugin.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <atomic>

namespace mutant {
namespace {

namespace sdk = postbus::sdk;
namespace json = boost::json;

class steering {
 public:
  using answer = sdk::completion<std::string_view>;

  explicit steering(sdk::context& ctx) : ctx_(ctx), real_(ctx), breaks_(ctx.text("breaks")) {
    is_rare_ = breaks_.ends_with(" rarely");
    if (is_rare_) breaks_.resize(breaks_.size() - std::string_view(" rarely").size());
  }
  void start(sdk::completion<>&& done) { real_.start(std::move(done)); }
  void stop(sdk::completion<>&& done) { real_.stop(std::move(done)); }

  void call(std::string_view method, std::string_view text, answer&& done) {
    json::object args = json::parse(text).as_object();
    const bool is_push = method == "push" || method == "event";
    if (is_push && breaks_now("order")) args["front"] = true;
    if (is_push && breaks_now("lost")) return done.ok(R"({"id":"x","status":"accepted","queued":1})");
    if (method == "push" && breaks_now("session")) args["session"] = "everybody";
    if (is_push && args.contains("interrupt") && breaks_now("interrupt")) args.erase("interrupt");
    if (is_push && args["text"] == "Stop!" && breaks_now("abort")) args["text"] = "Stop, please";
    if (method == "take" && breaks_now("crash")) return take_for_good(std::move(args), std::move(done));
    if (method == "take" && breaks_now("again")) args["batch"] = "";
    if (method == "end" && breaks_now("end")) return done.ok(R"({"confirmed":0,"late":0})");
    if (is_push && breaks_now("late"))
      return change(method, args, R"("status":"late")", R"("status":"accepted")", std::move(done));
    real_.call(method, json::serialize(args), std::move(done));
  }

 private:
  bool breaks_now(std::string_view what) {
    return breaks_ == what && (!is_rare_ || count_.fetch_add(1) % 1000 == 999);
  }

  // A completion's answer as a text of ours, and what is to be done with it.
  template <class F>
  void ask(std::string_view method, const json::object& args, answer&& done, F f) {
    struct under_way {
      steering& owner;
      answer done;
      F f;
      static void finish(void* ctx, std::int32_t status, const void* result, const postbus_error* e) {
        const std::unique_ptr<under_way> mine(static_cast<under_way*>(ctx));
        if (status != POSTBUS_OK) return mine->done.fail(status, e != nullptr ? e->message : "");
        mine->f(std::string(sdk::view(*static_cast<const postbus_str*>(result))), mine->done);
      }
    };
    auto* box = new under_way{*this, std::move(done), std::move(f)};
    real_.call(method, json::serialize(args), answer({&under_way::finish, box}, ctx_.owed()));
  }
  void change(std::string_view method, const json::object& args, std::string from, std::string to,
              answer&& done) {
    ask(method, args, std::move(done), [from, to](std::string said, answer& d) {
      if (const auto at = said.find(from); at != said.npos) said.replace(at, from.size(), to);
      d.ok(said);
    });
  }
  // What is handed out is confirmed at once, so that a crash loses it.
  void take_for_good(json::object args, answer&& done) {
    ask("take", args, std::move(done),
        [this, session = args.at("session")](const std::string& said, answer& d) {
          const json::object taken = json::parse(said).as_object();
          if (!taken.contains("batch")) return d.ok(said);
          const std::string kept = said;
          ask("confirm", {{"session", session}, {"batch", taken.at("batch")}}, std::move(d),
              [kept](const std::string&, answer& last) { last.ok(kept); });
        });
  }

  sdk::context& ctx_;
  postbus::steering_plugin::steering real_;
  std::string breaks_;
  bool is_rare_ = false;
  std::atomic<unsigned> count_{0};
};

}  // namespace
}  // namespace mutant

POSTBUS_PLUGINS(POSTBUS_PLUGIN("steering", mutant::steering))
