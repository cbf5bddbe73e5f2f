# Installs BUILD into a prefix, builds STRANGER against it, and compares what its program prints.
include("${CMAKE_CURRENT_LIST_DIR}/run_command.cmake")

file(REMOVE_RECURSE "${WORK}")
set(prefix "${WORK}/prefix")
run("installing" "${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${prefix}")

# Whoever gets the package has neither our source nor our build.
file(GLOB_RECURSE texts "${prefix}/*.cmake" "${prefix}/*.h" "${prefix}/*.hpp")
if(NOT texts)
  message(FATAL_ERROR "nothing was installed into ${prefix}")
endif()
foreach(file IN LISTS texts)
  file(READ "${file}" text)
  foreach(ours IN ITEMS "${SOURCE}" "${BUILD}")
    string(FIND "${text}" "${ours}" at)
    if(NOT at EQUAL -1)
      message(FATAL_ERROR "${file} names ${ours}, which the stranger does not have")
    endif()
  endforeach()
endforeach()

run("configuring the stranger" "${CMAKE_COMMAND}" -S "${STRANGER}" -B "${WORK}/build" -G "${GENERATOR}"
  "-DCMAKE_PREFIX_PATH=${prefix}" "-DCMAKE_BUILD_TYPE=${TYPE}" "-DCMAKE_CXX_COMPILER=${COMPILER}"
  "-DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}" "-DCMAKE_CXX_FLAGS=${FLAGS}" "-DPOSTBUS_BOOST_INCLUDE_DIR=${BOOST}")
run("building the stranger" "${CMAKE_COMMAND}" --build "${WORK}/build")
run("the stranger's program" "${WORK}/build/bin/stranger")
if(NOT output STREQUAL "hello!! stranger\nrather loud\n")
  message(FATAL_ERROR "the stranger's program printed \"${output}\"; wanted \"hello!! stranger\" and \"rather loud\"")
endif()
