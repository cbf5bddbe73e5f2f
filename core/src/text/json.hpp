// JSON, under the one name it has here. The code behind these headers is compiled into postbus once, by the target postbus_json.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

namespace postbus::detail {

namespace json = boost::json;

}  // namespace postbus::detail
