include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(GROVE_INSTALL_CMAKEDIR "${CMAKE_INSTALL_LIBDIR}/cmake/grove")

# grove_library(NAME [OBJECT] [PUBLIC lib...] [PRIVATE lib...] [INTERFACE lib...])
#
# The library grove::NAME of the folder that calls: sources src/**.cpp, public headers
# include/**.hpp, private headers in src/. With INTERFACE it has headers only;
# with OBJECT no archive: each program that links it gets all of it.
function(grove_library name)
  cmake_parse_arguments(arg "OBJECT" "" "PUBLIC;PRIVATE;INTERFACE" ${ARGN})
  set(target grove_${name})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS src/*.cpp)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS include/*.hpp)

  if(arg_INTERFACE)
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
    target_link_libraries(${target} INTERFACE ${arg_INTERFACE})
  else()
    if(NOT sources) # all in headers: an archive still needs a member
      set(sources "${CMAKE_CURRENT_BINARY_DIR}/empty.cpp")
      file(CONFIGURE OUTPUT "${sources}" CONTENT "")
    endif()
    set(kind STATIC)
    if(arg_OBJECT)
      set(kind OBJECT)
    endif()
    add_library(${target} ${kind} ${sources})
    set(scope PUBLIC)
    target_include_directories(${target} PRIVATE src)
    target_link_libraries(${target} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
  endif()
  add_library(grove::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(${target} ${scope} cxx_std_20)
  target_sources(${target} ${scope} FILE_SET HEADERS BASE_DIRS include FILES ${headers})

  install(TARGETS ${target} EXPORT grove-${name}-targets
          ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
          OBJECTS DESTINATION "${CMAKE_INSTALL_LIBDIR}/grove"
          FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
  install(EXPORT grove-${name}-targets NAMESPACE grove::
          DESTINATION "${GROVE_INSTALL_CMAKEDIR}")
endfunction()

# What find_package(grove COMPONENTS ...) reads.
function(grove_install_config)
  configure_package_config_file(
    "${PROJECT_SOURCE_DIR}/cmake/grove-config.cmake.in" "${PROJECT_BINARY_DIR}/grove-config.cmake"
    INSTALL_DESTINATION "${GROVE_INSTALL_CMAKEDIR}" NO_SET_AND_CHECK_MACRO)
  write_basic_package_version_file(
    "${PROJECT_BINARY_DIR}/grove-config-version.cmake" COMPATIBILITY SameMinorVersion)
  install(FILES "${PROJECT_BINARY_DIR}/grove-config.cmake"
                "${PROJECT_BINARY_DIR}/grove-config-version.cmake"
                "${PROJECT_SOURCE_DIR}/cmake/FindCAres.cmake"
                "${PROJECT_SOURCE_DIR}/cmake/FindLibZmq.cmake"
          DESTINATION "${GROVE_INSTALL_CMAKEDIR}")
endfunction()
