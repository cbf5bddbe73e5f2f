// Boost.JSON's own code, compiled once: postbus links no compiled Boost library.
#include <boost/json/src.hpp>
