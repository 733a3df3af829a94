# CppZmq::CppZmq: the header zmq.hpp (Debian: cppzmq-dev). Used inside grove::zmq only.
find_path(CppZmq_INCLUDE_DIR zmq.hpp)
mark_as_advanced(CppZmq_INCLUDE_DIR)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(CppZmq REQUIRED_VARS CppZmq_INCLUDE_DIR
                                  REASON_FAILURE_MESSAGE "on Debian: apt-get install cppzmq-dev")
if(CppZmq_FOUND AND NOT TARGET CppZmq::CppZmq)
  add_library(CppZmq::CppZmq INTERFACE IMPORTED)
  set_target_properties(CppZmq::CppZmq PROPERTIES
                        INTERFACE_INCLUDE_DIRECTORIES "${CppZmq_INCLUDE_DIR}")
endif()
