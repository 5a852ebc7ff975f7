# weir_library(<folder> [DEPS folders...] [LIBS external targets...])
#
# One folder = one static library of its *.cc files, without tests and mains. DEPS are folder names and are
# checked against the tiers. A folder that has no .cc file yet becomes an INTERFACE library, so that the tree
# configures at any stage of its growth. Files are globbed: adding an operator touches no CMake file.
function(weir_library folder)
  cmake_parse_arguments(ARG "" "" "DEPS;LIBS" ${ARGN})
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "weir_library(${folder}): unknown arguments ${ARG_UNPARSED_ARGUMENTS}")
  endif()

  weir_target_name(${folder} target)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.cc)
  list(FILTER sources EXCLUDE REGEX "(_test|/main)\\.cc$")
  if(sources)
    add_library(${target} STATIC ${sources})
    target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:weir_warnings>)
    set(scope PUBLIC)
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()

  target_include_directories(${target} ${scope}
    $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}> $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/engine/include>)
  target_link_libraries(${target} ${scope} ${ARG_LIBS})
  foreach(dep IN LISTS ARG_DEPS)
    weir_check_tier(${folder} ${dep})
    weir_target_name(${dep} dep_target)
    target_link_libraries(${target} ${scope} ${dep_target})
  endforeach()
  set_property(GLOBAL APPEND PROPERTY WEIR_LIBRARIES ${target})
endfunction()
