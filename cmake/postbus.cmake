# How everything of ours is compiled, where it is put, and the few functions that the rooms use.
include_guard()
include(GNUInstallDirs)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
include(CheckCXXCompilerFlag)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/plugins")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
set(POSTBUS_CMAKE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/postbus") # where our CMake files are installed …
set(POSTBUS_PLUGIN_DIR "${CMAKE_INSTALL_LIBDIR}/postbus/plugins") # … and our plugins

# Executables too are -fPIC: the static library may end in someone's shared one, and one precompiled header fits all.
add_compile_options(-fPIC)
# GCC zeroes small objects with `rep stos`, which takes tens of nanoseconds on some processors; stores do it everywhere.
check_cxx_compiler_flag(-mmemset-strategy=vector_loop:512:noalign,libcall:-1:noalign POSTBUS_HAS_MEMSET_STRATEGY)
if(POSTBUS_HAS_MEMSET_STRATEGY)
  add_compile_options("$<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CONFIG:Release>>:-mmemset-strategy=vector_loop:512:noalign,libcall:-1:noalign>")
endif()
add_compile_definitions($<$<CONFIG:Debug>:_GLIBCXX_ASSERTIONS>)

if(POSTBUS_SANITIZE)
  add_compile_options(-fsanitize=${POSTBUS_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>) # wrong in instrumented code, as GCC's manual says
  add_link_options(-fsanitize=${POSTBUS_SANITIZE})
  if(POSTBUS_SANITIZE MATCHES thread) # ThreadSanitizer cannot see fences; Asio can do without.
    add_compile_definitions(BOOST_ASIO_DISABLE_FENCED_BLOCK)
    add_compile_options($<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
  endif()
endif()

# A compilation that uses a precompiled header is cached only with this leave: ccache then hashes the header itself.
find_program(POSTBUS_CCACHE ccache)
if(POSTBUS_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${POSTBUS_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_SLOPPINESS=pch_defines,time_macros ${POSTBUS_CCACHE})
endif()

# Every target of ours gets these by itself, and keeps them to itself when installed.
add_library(postbus_warnings INTERFACE)
target_compile_options(postbus_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
  "$<$<CXX_COMPILER_ID:GNU>:-Wno-restrict;-Wno-stringop-overflow;-Wno-array-bounds>" # wrong about std::string in GCC 12
  $<$<BOOL:${POSTBUS_WERROR}>:-Werror>)
link_libraries($<BUILD_INTERFACE:postbus_warnings>)

# Boost.JSON, for the targets that use it: `$<BUILD_INTERFACE:postbus_json>` puts its code into theirs.
add_library(postbus_json OBJECT EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/cmake/boost_json.cpp)
target_link_libraries(postbus_json PUBLIC postbus_boost)

# The precompiled headers, for code and for tests. Flags decide who can share one: GCC refuses it to a target that is
# compiled with another -fPIC, -g or sanitizer, or that defines a macro which the headers look at.
add_library(postbus_pch OBJECT EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/cmake/pch.cpp)
target_link_libraries(postbus_pch PRIVATE postbus_boost)
target_precompile_headers(postbus_pch PRIVATE ${PROJECT_SOURCE_DIR}/cmake/pch.hpp)
if(POSTBUS_BUILD_TESTS)
  add_library(postbus_pch_tests OBJECT EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/cmake/pch.cpp)
  target_link_libraries(postbus_pch_tests PRIVATE postbus_boost postbus_catch2)
  target_precompile_headers(postbus_pch_tests PRIVATE ${PROJECT_SOURCE_DIR}/cmake/pch.hpp
    $<IF:$<EQUAL:${POSTBUS_CATCH2_MAJOR},2>,<catch2/catch.hpp$<ANGLE-R>,<catch2/catch_all.hpp$<ANGLE-R>>)
endif()

function(postbus_use_pch target)
  if(NOT POSTBUS_PCH)
    return()
  endif()
  get_target_property(libraries ${target} LINK_LIBRARIES)
  get_target_property(sources ${target} SOURCES)
  list(FILTER sources INCLUDE REGEX "\\.c$")
  set_source_files_properties(${sources} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
  if(postbus_catch2 IN_LIST libraries)
    target_precompile_headers(${target} REUSE_FROM postbus_pch_tests)
  else()
    target_precompile_headers(${target} REUSE_FROM postbus_pch)
  endif()
endfunction()

# postbus_add_test(<name> <source>...): a Catch2 program; every test case of it becomes a test of CTest, named
# "<name>:<test case>". A test that cannot run prints "SKIPPED:" and why; CTest then lists it as skipped, unless it failed.
function(postbus_add_test name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE postbus_catch2 postbus_boost)
  # The code under test is compiled as it is shipped; for the tests themselves -O1 is enough and far quicker.
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  target_compile_definitions(${name} PRIVATE POSTBUS_TEST_PLUGIN_DIR="${CMAKE_LIBRARY_OUTPUT_DIRECTORY}")
  postbus_use_pch(${name})
  catch_discover_tests(${name} TEST_PREFIX "${name}:"
    PROPERTIES TIMEOUT 120 LABELS ${name}
    SKIP_REGULAR_EXPRESSION "SKIPPED:.*(All tests passed|assertions: - none -|test cases: 1 . 1 skipped)")
endfunction()

# postbus_add_feature(<name> <source>...): a feature of ours: its library, and its public face for programs, postbus::<name>, which is
# include/postbus/<name>.hpp alone, over bus.call().
function(postbus_add_feature name)
  postbus_add_plugin(NAME ${name} SOURCES ${ARGN})
  target_link_libraries(${name} PRIVATE $<BUILD_INTERFACE:postbus_json>)
  install(TARGETS ${name} LIBRARY DESTINATION ${POSTBUS_PLUGIN_DIR})
  add_library(postbus_${name} INTERFACE)
  add_library(postbus::${name} ALIAS postbus_${name})
  set_target_properties(postbus_${name} PROPERTIES EXPORT_NAME ${name})
  target_sources(postbus_${name} INTERFACE FILE_SET HEADERS BASE_DIRS include FILES include/postbus/${name}.hpp)
  target_link_libraries(postbus_${name} INTERFACE postbus)
  install(TARGETS postbus_${name} EXPORT postbus-targets FILE_SET HEADERS)
endfunction()

# The CMake package: the rooms put their targets into the export set `postbus-targets`, and this installs it.
function(postbus_install_package)
  include(CMakePackageConfigHelpers)
  configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/postbus-config.cmake.in" postbus-config.cmake
    INSTALL_DESTINATION "${POSTBUS_CMAKE_DIR}" PATH_VARS POSTBUS_PLUGIN_DIR)
  write_basic_package_version_file(postbus-config-version.cmake COMPATIBILITY SameMinorVersion)
  install(FILES "${CMAKE_CURRENT_BINARY_DIR}/postbus-config.cmake" "${CMAKE_CURRENT_BINARY_DIR}/postbus-config-version.cmake"
    DESTINATION "${POSTBUS_CMAKE_DIR}")
  install(EXPORT postbus-targets NAMESPACE postbus:: DESTINATION "${POSTBUS_CMAKE_DIR}")
endfunction()
