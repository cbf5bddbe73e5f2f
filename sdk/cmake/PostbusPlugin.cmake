# postbus_add_plugin(NAME <name> SOURCES <source>... [MANIFEST <file>] [OUTPUT_DIRECTORY <directory>] [STATIC])
#
# Builds a library of postbus plugins from C or C++ sources, as the target <name>. It is loaded at run time: <name>.so, in
# <directory>, which is ${CMAKE_BINARY_DIR}/plugins unless given. The manifest is plugin.json unless given; a source carries it
# into the library with POSTBUS_PLUGINS (C++), or POSTBUS_MANIFEST(POSTBUS_PLUGIN_MANIFEST) and postbus_module (C).
#
# STATIC builds a static library instead, to be linked into the program and given to config::module(): its module is called
# postbus_module_<name>, with each '-' of the name as '_'.
include_guard()

function(postbus_add_plugin)
  cmake_parse_arguments(PARSE_ARGV 0 arg "STATIC" "NAME;MANIFEST;OUTPUT_DIRECTORY" "SOURCES")
  if(NOT arg_NAME OR NOT arg_SOURCES OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "postbus_add_plugin(NAME <name> SOURCES <source>... [MANIFEST <file>] [OUTPUT_DIRECTORY <directory>] "
      "[STATIC]) was called with: ${ARGV}")
  endif()
  if(NOT arg_MANIFEST)
    set(arg_MANIFEST plugin.json)
  endif()
  if(NOT arg_OUTPUT_DIRECTORY)
    set(arg_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/plugins")
  endif()
  cmake_path(ABSOLUTE_PATH arg_MANIFEST BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}")
  set(generated "${CMAKE_CURRENT_BINARY_DIR}/${arg_NAME}.plugin")
  postbus_write_manifest("${arg_MANIFEST}" "${generated}/postbus_plugin_manifest.h")

  if(arg_STATIC)
    string(REPLACE "-" "_" symbol "postbus_module_${arg_NAME}")
    add_library(${arg_NAME} STATIC ${arg_SOURCES})
    target_compile_definitions(${arg_NAME} PRIVATE POSTBUS_MODULE=${symbol})
  else()
    add_library(${arg_NAME} MODULE ${arg_SOURCES})
    # One symbol goes out, so that no plugin sees another's; and nothing unloads the library, whatever a host does.
    postbus_write_if_changed("${generated}/exports.map" "{ global: postbus_module_v1; local: *; };\n")
    target_link_options(${arg_NAME} PRIVATE
      "LINKER:--version-script=${generated}/exports.map" "LINKER:-z,nodelete,-z,relro,-z,now")
    set_target_properties(${arg_NAME} PROPERTIES
      PREFIX "" LIBRARY_OUTPUT_DIRECTORY "${arg_OUTPUT_DIRECTORY}" LINK_DEPENDS "${generated}/exports.map")
  endif()
  target_link_libraries(${arg_NAME} PRIVATE postbus::sdk)
  target_compile_options(${arg_NAME} PRIVATE "SHELL:-include \"${generated}/postbus_plugin_manifest.h\"")
  set_target_properties(${arg_NAME} PROPERTIES POSITION_INDEPENDENT_CODE ON
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
endfunction()

# The text of a manifest as a C string, POSTBUS_PLUGIN_MANIFEST. Read anew whenever the file changes.
function(postbus_write_manifest manifest header)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${manifest}")
  file(READ "${manifest}" text)
  string(JSON count ERROR_VARIABLE problem LENGTH "${text}")
  if(problem)
    message(FATAL_ERROR "${manifest}: found ${problem}; wanted JSON; correct it.")
  endif()
  # A JSON string holds no line break, so line breaks and what indents a line mean nothing.
  string(REGEX REPLACE "[\r\n][ \t\r\n]*" "" text "${text}")
  string(REPLACE "\\" "\\\\" text "${text}")
  string(REPLACE "\"" "\\\"" text "${text}")
  string(REPLACE "?" "\\?" text "${text}") # trigraphs
  postbus_write_if_changed("${header}" "/* From ${manifest}. */
#pragma once
/* A manifest may be longer than the 4095 characters that C promises; every compiler we support takes it. */
#pragma GCC diagnostic ignored \"-Woverlength-strings\"
#define POSTBUS_PLUGIN_MANIFEST \"${text}\"
")
endfunction()

function(postbus_write_if_changed file text)
  if(EXISTS "${file}")
    file(READ "${file}" old)
    if(old STREQUAL text)
      return()
    endif()
  endif()
  file(WRITE "${file}" "${text}")
endfunction()
