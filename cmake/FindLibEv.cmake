# LibEv::LibEv, which ships no CMake or pkg-config file of its own (Debian: libev-dev).
find_path(LibEv_INCLUDE_DIR ev.h)
find_library(LibEv_LIBRARY ev)
mark_as_advanced(LibEv_INCLUDE_DIR LibEv_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibEv REQUIRED_VARS LibEv_LIBRARY LibEv_INCLUDE_DIR
                                  REASON_FAILURE_MESSAGE "on Debian: apt-get install libev-dev")
if(LibEv_FOUND AND NOT TARGET LibEv::LibEv)
  add_library(LibEv::LibEv UNKNOWN IMPORTED)
  set_target_properties(LibEv::LibEv PROPERTIES IMPORTED_LOCATION "${LibEv_LIBRARY}"
                        INTERFACE_INCLUDE_DIRECTORIES "${LibEv_INCLUDE_DIR}")
endif()
