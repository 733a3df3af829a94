# LibZmq::LibZmq: libzmq 4.3 or later (Debian: libzmq3-dev).
find_path(LibZmq_INCLUDE_DIR zmq.h)
find_library(LibZmq_LIBRARY zmq)
mark_as_advanced(LibZmq_INCLUDE_DIR LibZmq_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibZmq REQUIRED_VARS LibZmq_LIBRARY LibZmq_INCLUDE_DIR
                                  REASON_FAILURE_MESSAGE "on Debian: apt-get install libzmq3-dev")
if(LibZmq_FOUND AND NOT TARGET LibZmq::LibZmq)
  add_library(LibZmq::LibZmq UNKNOWN IMPORTED)
  set_target_properties(LibZmq::LibZmq PROPERTIES IMPORTED_LOCATION "${LibZmq_LIBRARY}"
                        INTERFACE_INCLUDE_DIRECTORIES "${LibZmq_INCLUDE_DIR}")
endif()
