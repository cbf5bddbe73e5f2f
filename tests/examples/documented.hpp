// What stands around the examples of the documentation: the headers, and a look at what an example prints.
#pragma once

#include "support/catch.hpp"

#include <postbus/brake.hpp>
#include <postbus/bus.hpp>
#include <postbus/dedup.hpp>
#include <postbus/inspect.hpp>
#include <postbus/steering.hpp>
#include <postbus/testing/manual_clock.hpp>

#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/json.hpp>

#include <atomic>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

using namespace postbus;
using namespace std::chrono_literals;
using boost::asio::awaitable;
using boost::asio::use_awaitable;

inline std::string printed_by(void (*example)()) {
  struct instead_of_cout {
    std::ostringstream text;
    std::streambuf* before = std::cout.rdbuf(text.rdbuf());
    ~instead_of_cout() { std::cout.rdbuf(before); }
  } printed;
  example();
  return printed.text.str();
}
