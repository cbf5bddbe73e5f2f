# Installs BUILD into a prefix, has the installed command write out a plugin of each kind, and builds, tests and checks each of them
# against the package, as somebody would who has nothing else.
include("${CMAKE_CURRENT_LIST_DIR}/run_command.cmake")

file(REMOVE_RECURSE "${WORK}")
set(prefix "${WORK}/prefix")
run("installing" "${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${prefix}")
set(command "${prefix}/bin/postbus")
foreach(kind IN ITEMS feature transport)
  foreach(lang IN ITEMS c c++)
    string(REPLACE "+" "p" name "quick-${kind}-${lang}")
    set(folder "${WORK}/${name}")
    run("writing ${name}" "${command}" new plugin ${name} --kind ${kind} --lang ${lang} --into "${folder}")
    run("configuring ${name}" "${CMAKE_COMMAND}" -S "${folder}" -B "${folder}/build" -G "${GENERATOR}"
      "-DCMAKE_PREFIX_PATH=${prefix}" "-DCMAKE_BUILD_TYPE=${TYPE}" "-DCMAKE_C_COMPILER=${C_COMPILER}"
      "-DCMAKE_CXX_COMPILER=${COMPILER}" "-DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}" "-DCMAKE_CXX_FLAGS=${FLAGS} -Wall -Wextra -Werror"
      "-DCMAKE_C_FLAGS=${FLAGS} -Wall -Wextra -Werror")
    run("building ${name}" "${CMAKE_COMMAND}" --build "${folder}/build")
    run("testing ${name}" "${CMAKE_CTEST_COMMAND}" --test-dir "${folder}/build" --output-on-failure --no-tests=error)
    if(NOT output MATCHES "check-${name}") # the command was found, and played its part
      message(FATAL_ERROR "${name} was not checked:\n${output}")
    endif()
    execute_process(COMMAND "${command}" new plugin ${name} --into "${folder}" RESULT_VARIABLE status ERROR_VARIABLE said)
    if(NOT status EQUAL 1 OR NOT said MATCHES "which is there already")
      message(FATAL_ERROR "a second ${name} was not refused: ${said}")
    endif()
  endforeach()
endforeach()
