# Install into a staging folder, build a consumer against it, run it.
set(stage "${BUILD}/tests/package")
set(prefix "${stage}/prefix")
file(REMOVE_RECURSE "${stage}")

execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${prefix}"
                OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)

# What is installed must stand alone: no path of this tree, no build-time dependency.
file(GLOB_RECURSE configs "${prefix}/*.cmake")
foreach(config IN LISTS configs)
  file(READ "${config}" text)
  foreach(word "${SOURCE}" "${BUILD}" "[Mm]sgpack" "[Cc]pp[Zz]mq")
    if(text MATCHES "${word}")
      message(FATAL_ERROR "${config} names ${word}")
    endif()
  endforeach()
endforeach()

execute_process(
  COMMAND "${CMAKE_COMMAND}" -S "${SOURCE}/tests/package" -B "${stage}/build" -G "${GENERATOR}"
          "-DCMAKE_CXX_COMPILER=${CXX}" "-DCMAKE_PREFIX_PATH=${prefix}"
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_COMMAND}" --build "${stage}/build" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${stage}/build/consumer" COMMAND_ERROR_IS_FATAL ANY)

# All components together, and a wrong one refused by name.
set(all "${stage}/all")
file(WRITE "${all}/CMakeLists.txt" "cmake_minimum_required(VERSION 3.25)\nproject(all LANGUAGES CXX)\n"
     "find_package(grove REQUIRED)\n"
     "foreach(part hub net tls http patch zmq actors)\n  if(NOT TARGET grove::\${part})\n"
     "    message(FATAL_ERROR \"no grove::\${part}\")\n  endif()\nendforeach()\n"
     "find_package(grove QUIET COMPONENTS tree)\n"
     "if(grove_FOUND)\n  message(FATAL_ERROR \"component tree was found\")\nendif()\n")
execute_process(
  COMMAND "${CMAKE_COMMAND}" -S "${all}" -B "${all}/build" -G "${GENERATOR}"
          "-DCMAKE_CXX_COMPILER=${CXX}" "-DCMAKE_PREFIX_PATH=${prefix}"
  COMMAND_ERROR_IS_FATAL ANY)
