// post_completion: runs an Asio completion handler on its executor, or on a worker of the bus when it has none; never inside the
// function that started the operation.
#pragma once

#include "engine.hpp"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/dispatch.hpp>

namespace postbus::detail {

template <class Handler, class... Args>
void post_completion(engine& owner, Handler handler, Args... args) {
  auto bound = [h = std::move(handler), ... a = std::move(args)]() mutable {
    const auto executor = boost::asio::get_associated_executor(h);
    boost::asio::dispatch(
        executor, [h = std::move(h), ... a = std::move(a)]() mutable { std::move(h)(std::move(a)...); });
  };
  using box = decltype(bound);
  owner.rt->post([](void* ctx) { (*std::unique_ptr<box>(static_cast<box*>(ctx)))(); },
                 new box(std::move(bound)));
}

}  // namespace postbus::detail
