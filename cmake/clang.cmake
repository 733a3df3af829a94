# Toolchain: the oldest clang from 16 on. (Earlier ones, and g++ 12, have a ThreadSanitizer that
# takes a millisecond to make a fiber and gives up after 8,128 of them.)
find_program(GROVE_CLANGXX NAMES clang++-16 clang++-17 clang++-18 clang++-19 clang++-20 clang++-21)
mark_as_advanced(GROVE_CLANGXX)
if(NOT GROVE_CLANGXX)
  message(FATAL_ERROR "no clang++ 16 or later; on Debian: apt-get install clang-16 libclang-rt-16-dev")
endif()
set(CMAKE_CXX_COMPILER "${GROVE_CLANGXX}")
