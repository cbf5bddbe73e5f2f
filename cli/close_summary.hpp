// close_summary: what close() did, as a table or an object.
#pragma once

#include <postbus/bus.hpp>

#include <boost/json/object.hpp>

#include <string>

namespace postbus::cli {

boost::json::object to_json(const close_report& report);
std::string show(const close_report& report, bool color);

}  // namespace postbus::cli
