# Flags of grove's own code. They hold for this directory and below, and are no part of what a
# consumer gets.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_VERIFY_INTERFACE_HEADER_SETS ON) # target all_verify_interface_header_sets

find_program(CCACHE_PROGRAM ccache)
mark_as_advanced(CCACHE_PROGRAM)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
endif()

add_compile_options(-Wall -Wextra -Wconversion -Wshadow)
if(GROVE_WERROR)
  add_compile_options(-Werror)
endif()

# The hardening. Frames larger than a page must touch every page on their way down, or a greenlet
# could step over its guard.
add_compile_options(-fstack-clash-protection -fstack-protector-strong)
add_link_options(-Wl,-z,relro,-z,now)
if(NOT GROVE_SANITIZE AND NOT GROVE_COVERAGE)
  add_compile_options("$<$<CONFIG:Release,RelWithDebInfo,MinSizeRel>:-U_FORTIFY_SOURCE>"
                      "$<$<CONFIG:Release,RelWithDebInfo,MinSizeRel>:-D_FORTIFY_SOURCE=2>")
endif()

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$" AND CMAKE_SIZEOF_VOID_P EQUAL 8)
  # The inlined switch does not exchange shadow stacks, so no object may promise that it does.
  add_compile_options(-fcf-protection=none)
  set(grove_portable_needed OFF)
else()
  set(grove_portable_needed ON)
endif()

if(GROVE_SANITIZE)
  # Clang's check of vptrs asks a pipe whether an address can be read: where no descriptor is left
  # it takes every object for a wrong one.
  add_compile_options(-fsanitize=${GROVE_SANITIZE} -fno-sanitize=vptr)
  add_link_options(-fsanitize=${GROVE_SANITIZE})
  set(grove_portable_needed ON)
endif()
# For tests and samples: under sanitizers their optimisation takes two thirds of a build.
set(GROVE_TEST_COMPILE_OPTIONS "")
if(GROVE_SANITIZE)
  set(GROVE_TEST_COMPILE_OPTIONS -O0)
endif()
if(GROVE_COVERAGE)
  add_compile_options(--coverage -fprofile-update=atomic)
  add_link_options(--coverage)
  set(grove_portable_needed ON)
endif()
if(GROVE_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
  set(grove_portable_needed ON)
endif()
if(GROVE_SANITIZE OR GROVE_FUZZ OR GROVE_DEBUG_CHECKS)
  add_compile_options(-fno-omit-frame-pointer)
endif()

# What the hub library (and its own tests, which see its private headers) is told.
set(GROVE_SWITCH_DEFINITIONS "")
if(GROVE_PORTABLE_SWITCH OR grove_portable_needed)
  set(GROVE_SWITCH_DEFINITIONS GROVE_PORTABLE_SWITCH=1)
endif()
