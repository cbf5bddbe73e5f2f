# Every library that postbus takes from elsewhere, each as one target `postbus_<name>`: the only place that looks for one.
# A target is imported, so its headers are system headers and our warnings stay out of them.
#
#   postbus_boost  postbus_msgpack  postbus_toml  postbus_valijson  postbus_elf  postbus_md  spdlog::spdlog
#   postbus_cli11                                               with POSTBUS_BUILD_CLI
#   postbus_catch2                                              with POSTBUS_BUILD_TESTS
#   benchmark::benchmark  postbus_zmq  postbus_concurrentqueue  with POSTBUS_BUILD_BENCH, each if it is there
include_guard()

# msgpack's and valijson's packages would pull in another Boost and Qt, so scripts/build only unpacks them, here.
set(POSTBUS_DEPS_DIR "${PROJECT_SOURCE_DIR}/build/deps" CACHE PATH "Where scripts/build unpacks header-only packages")

function(postbus_missing what package)
  message(FATAL_ERROR "postbus needs ${what}: Debian's package ${package}. Run scripts/build, which sees to it.")
endfunction()

# postbus_find_headers(<target> <header> <package> <what> [OPTIONAL] [IF <file> <regex>] [LIBRARY <name>]
#                      [DEFINE <definition>...])
# Finds a library by a header, on the system first, then among the unpacked packages. IF passes over one whose <file> does
# not match: one that is too old. The directory is kept in POSTBUS_<NAME>_INCLUDE_DIR and can be given there.
function(postbus_find_headers target header package what)
  cmake_parse_arguments(PARSE_ARGV 4 arg "OPTIONAL" "LIBRARY" "IF;DEFINE")
  string(TOUPPER ${target} name)
  function(postbus_new_enough accepted candidate)
    if(arg_IF)
      list(POP_FRONT arg_IF file regex)
      set(text)
      if(EXISTS "${candidate}/${file}")
        file(READ "${candidate}/${file}" text)
      endif()
      if(NOT text MATCHES "${regex}")
        set(${accepted} FALSE PARENT_SCOPE)
      endif()
    endif()
  endfunction()
  find_path(${name}_INCLUDE_DIR ${header} PATHS "${POSTBUS_DEPS_DIR}/${package}/usr/include" VALIDATOR postbus_new_enough)
  set(found ${${name}_INCLUDE_DIR})
  if(arg_LIBRARY)
    find_library(${name}_LIBRARY ${arg_LIBRARY})
    set(library ${${name}_LIBRARY})
  endif()
  mark_as_advanced(${name}_INCLUDE_DIR ${name}_LIBRARY)
  if(NOT found OR (arg_LIBRARY AND NOT library))
    if(NOT arg_OPTIONAL)
      postbus_missing("${what}" ${package})
    endif()
    return()
  endif()
  add_library(${target} INTERFACE IMPORTED GLOBAL)
  target_include_directories(${target} SYSTEM INTERFACE "${found}")
  target_compile_definitions(${target} INTERFACE ${arg_DEFINE})
  target_link_libraries(${target} INTERFACE ${library})
endfunction()

find_package(Threads REQUIRED)

# Headers only: Asio, Boost.DLL (with std::filesystem, for Boost's own would be a compiled library) and Boost.JSON.
postbus_find_headers(postbus_boost boost/version.hpp libboost1.81-dev "Boost 1.81 or newer"
  IF boost/version.hpp "define BOOST_VERSION 1(08[1-9]|09[0-9]|[1-9][0-9][0-9])[0-9][0-9]"
  DEFINE BOOST_ALL_NO_LIB BOOST_DLL_USE_STD_FS)
target_link_libraries(postbus_boost INTERFACE Threads::Threads ${CMAKE_DL_LIBS})

postbus_find_headers(postbus_msgpack msgpack.hpp libmsgpack-cxx-dev "the C++ headers of msgpack-c, 4.1 or newer"
  IF msgpack/sysdep.hpp MSGPACK_NO_BOOST
  DEFINE MSGPACK_NO_BOOST)
postbus_find_headers(postbus_valijson valijson/validator.hpp libvalijson-dev "valijson"
  IF valijson/adapters/boost_json_adapter.hpp boost)
postbus_find_headers(postbus_toml toml++/toml.h libtomlplusplus-dev "toml++" DEFINE TOML_HEADER_ONLY=1)
postbus_find_headers(postbus_elf libelf.h libelf-dev "libelf" LIBRARY elf)
postbus_find_headers(postbus_md sha2.h libmd-dev "libmd" LIBRARY md)

# The compiled spdlog, not its headers alone: a static libpostbus then shares one spdlog and one fmt with the program it is
# linked into instead of bringing copies of its own.
find_package(spdlog 1.10 QUIET)
if(NOT spdlog_FOUND)
  postbus_missing("spdlog 1.10 or newer" libspdlog-dev)
endif()

if(POSTBUS_BUILD_CLI)
  postbus_find_headers(postbus_cli11 CLI/CLI.hpp libcli11-dev "CLI11 2.1 or newer (or POSTBUS_BUILD_CLI=OFF)"
    IF CLI/Version.hpp "define CLI11_VERSION_(MAJOR ([3-9]|[1-9][0-9])|MINOR ([1-9]|[1-9][0-9]))\n")
endif()

if(POSTBUS_BUILD_TESTS)
  find_package(Catch2 QUIET)
  if(NOT Catch2_FOUND OR Catch2_VERSION VERSION_LESS 2.13.9)
    postbus_missing("Catch2 2.13.9 or newer (or POSTBUS_BUILD_TESTS=OFF)" catch2)
  endif()
  include(Catch)
  string(REGEX MATCH "^[0-9]+" POSTBUS_CATCH2_MAJOR ${Catch2_VERSION})
  add_library(postbus_catch2 INTERFACE IMPORTED GLOBAL)
  target_link_libraries(postbus_catch2 INTERFACE Catch2::Catch2WithMain)
  target_compile_definitions(postbus_catch2 INTERFACE POSTBUS_CATCH2_MAJOR=${POSTBUS_CATCH2_MAJOR})
endif()

if(POSTBUS_BUILD_BENCH)
  find_package(benchmark QUIET)
  postbus_find_headers(postbus_zmq zmq.hpp cppzmq-dev "cppzmq and libzmq" OPTIONAL LIBRARY zmq)
  postbus_find_headers(postbus_concurrentqueue concurrentqueue/concurrentqueue.h libconcurrentqueue-dev
    "concurrentqueue" OPTIONAL)
  if(NOT benchmark_FOUND)
    message(STATUS "The benchmarks are left out: Google Benchmark (libbenchmark-dev) is not installed.")
    set(POSTBUS_BUILD_BENCH OFF)
  endif()
endif()
