# The one object that knows where the repository is (tests/support/source_dir.h).
add_library(weir_source_dir STATIC ${CMAKE_SOURCE_DIR}/tests/support/source_dir.cc)
target_include_directories(weir_source_dir PUBLIC ${CMAKE_SOURCE_DIR})
target_compile_definitions(weir_source_dir PRIVATE WEIR_SOURCE_DIR="${CMAKE_SOURCE_DIR}")

# weir_test(<name> SRCS files... [DEPS folders... | ALL] [LIBS targets...])
#
# A GoogleTest binary in build/<preset>/bin/tests, where tests/run.sh finds it. DEPS are library folders;
# ALL links every one. One add_test per binary: listing the cases at build time would cost more than it gives.
function(weir_test name)
  cmake_parse_arguments(ARG "ALL" "" "SRCS;DEPS;LIBS" ${ARGN})
  add_executable(${name} ${ARG_SRCS})
  weir_link_folders(${name} "${ARG_ALL}" ${ARG_DEPS})
  target_link_libraries(${name} PRIVATE weir_warnings weir_source_dir ${ARG_LIBS} GTest::gmock GTest::gtest_main rapidcheck)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin/tests)
  add_test(NAME ${name} COMMAND ${name})
endfunction()

# Links library folders into a program outside the layers (a test, a bench).
function(weir_link_folders target all)
  if(all)
    get_property(libraries GLOBAL PROPERTY WEIR_LIBRARIES)
    target_link_libraries(${target} PRIVATE ${libraries})
  endif()
  foreach(folder IN LISTS ARGN)
    weir_target_name(${folder} library)
    target_link_libraries(${target} PRIVATE ${library})
  endforeach()
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/engine/include)
endfunction()
