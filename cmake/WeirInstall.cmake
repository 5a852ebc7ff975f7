# cmake --install build/release --prefix P [--component runtime|dev]
#
#   runtime   bin/ with the programs that were built
#   dev       what an outside project needs: include/weir (the headers of public_headers.txt, nothing else), the static
#             libraries, lib/cmake/weir. There, find_package(weir REQUIRED) gives
#               weir::weir      the engine, the API of <weir/weir.h> and weir::JobMain
#               weir::testing   <weir/testing.h>, the harness for operators
#
# The libraries stay one archive a folder: CMake then knows what each needs, and a program links only what it uses.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/weir)
# Internal headers are included as "engine/core/operator.h"; they are installed below include/weir, so that they meet
# nobody else's.
set(public_includes
  $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}> $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/engine/include>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/weir>)

add_library(weir_public INTERFACE)
set_target_properties(weir_public PROPERTIES EXPORT_NAME weir)
target_compile_features(weir_public INTERFACE cxx_std_20)
target_include_directories(weir_public INTERFACE ${public_includes})
target_link_libraries(weir_public INTERFACE weir_engine_cli weir_engine_api)

add_library(weir_public_testing INTERFACE)
set_target_properties(weir_public_testing PROPERTIES EXPORT_NAME testing)
target_link_libraries(weir_public_testing INTERFACE weir_public weir_engine_testing)

# Everything that the two need, found by following links: a library of a test or of a tool does not get in.
function(weir_collect target result)
  set(found ${${result}})
  if(target IN_LIST found OR NOT TARGET ${target})
    return()
  endif()
  get_target_property(imported ${target} IMPORTED)
  get_target_property(aliased ${target} ALIASED_TARGET)
  if(imported)
    return()
  endif()
  if(aliased)
    weir_collect(${aliased} found)
  else()
    list(APPEND found ${target})
    foreach(property LINK_LIBRARIES INTERFACE_LINK_LIBRARIES)
      get_target_property(libraries ${target} ${property})
      foreach(library IN LISTS libraries)
        string(REGEX REPLACE "^\\$<LINK_ONLY:(.*)>$" "\\1" library "${library}")
        weir_collect("${library}" found)
      endforeach()
    endforeach()
  endif()
  set(${result} ${found} PARENT_SCOPE)
endfunction()

set(exported "")
weir_collect(weir_public_testing exported)
foreach(target IN LISTS exported)
  get_target_property(name ${target} EXPORT_NAME)
  if(NOT name)
    string(REGEX REPLACE "^weir_" "" name ${target})
    set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  endif()
endforeach()
install(TARGETS ${exported} EXPORT weirTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev)
install(EXPORT weirTargets NAMESPACE weir:: DESTINATION ${config_dir} COMPONENT dev)

# What has not been built is left out.
foreach(program weir weirctl weir-agent)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT runtime OPTIONAL)
  endif()
endforeach()

# tests/tidy/public_headers_test.py holds this list to what <weir/weir.h> and <weir/testing.h> include.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS cmake/public_headers.txt)
file(STRINGS ${CMAKE_SOURCE_DIR}/cmake/public_headers.txt headers REGEX "^[a-z]")
foreach(header IN LISTS headers)
  string(REGEX REPLACE "^engine/include/" "" installed ${header})
  if(installed STREQUAL header)
    string(PREPEND installed weir/)
  endif()
  cmake_path(GET installed PARENT_PATH folder)
  install(FILES ${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/${folder} COMPONENT dev)
endforeach()

# The dependencies of WeirDependencies.cmake once more, as find_dependency: that list cannot be forgotten here.
file(STRINGS ${CMAKE_SOURCE_DIR}/cmake/WeirDependencies.cmake lines
  REGEX "^(find_package|pkg_check_modules)\\(.* REQUIRED")
set(WEIR_FIND_DEPENDENCIES "")
foreach(line IN LISTS lines)
  string(REGEX REPLACE " *#.*$" "" line "${line}")
  string(REGEX REPLACE "^find_package\\((.*) REQUIRED\\)" "find_dependency(\\1)" line "${line}")
  string(APPEND WEIR_FIND_DEPENDENCIES "${line}\n")
endforeach()
configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/weirConfig.cmake.in ${CMAKE_BINARY_DIR}/weirConfig.cmake
  INSTALL_DESTINATION ${config_dir} NO_SET_AND_CHECK_MACRO)
# The API may still change with any version.
write_basic_package_version_file(${CMAKE_BINARY_DIR}/weirConfigVersion.cmake COMPATIBILITY ExactVersion)
install(FILES ${CMAKE_BINARY_DIR}/weirConfig.cmake ${CMAKE_BINARY_DIR}/weirConfigVersion.cmake
  DESTINATION ${config_dir} COMPONENT dev)
