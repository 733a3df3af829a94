# MsgpackCxx::MsgpackCxx: the headers of msgpack-cxx, without Boost (Debian: libmsgpack-cxx-dev).
# That package depends on Boost 1.74's headers, which conflict with 1.81's, so ./dev unpacks it
# under build/deps/msgpack; an installed one is taken first. Used inside grove::zmq only.
find_path(MsgpackCxx_INCLUDE_DIR msgpack.hpp
          PATHS "${PROJECT_SOURCE_DIR}/build/deps/msgpack/usr/include")
mark_as_advanced(MsgpackCxx_INCLUDE_DIR)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  MsgpackCxx REQUIRED_VARS MsgpackCxx_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "./dev build unpacks it there")
if(MsgpackCxx_FOUND AND NOT TARGET MsgpackCxx::MsgpackCxx)
  add_library(MsgpackCxx::MsgpackCxx INTERFACE IMPORTED)
  set_target_properties(MsgpackCxx::MsgpackCxx PROPERTIES
                        INTERFACE_INCLUDE_DIRECTORIES "${MsgpackCxx_INCLUDE_DIR}"
                        INTERFACE_COMPILE_DEFINITIONS MSGPACK_NO_BOOST)
endif()
