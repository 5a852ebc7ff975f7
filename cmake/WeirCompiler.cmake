# Language level, output folders, warnings, compiler cache and linker. Optimisation and sanitizer flags are in
# CMakePresets.json, where the four builds can be compared line by line.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)

option(WEIR_WERROR "Warnings in Weir's own code are errors" OFF)
option(WEIR_MOLD "Link with mold if it is installed" ON)

# Bounds checks of the standard library stay on in every build: a wrong index stops the job, it does not guess.
add_compile_definitions(_GLIBCXX_ASSERTIONS)

find_program(WEIR_CCACHE ccache)
if(WEIR_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Relative paths and no working directory in the hash: another clone of the repository finds the same objects.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${WEIR_CCACHE})
endif()

# A preset that needs another linker (tsan: lld, mold ignores its version script) sets WEIR_MOLD to OFF.
find_program(WEIR_MOLD_PROGRAM mold)
if(WEIR_MOLD AND WEIR_MOLD_PROGRAM)
  add_link_options(-fuse-ld=mold)
endif()

# Linked PRIVATE by our own targets only, so that generated code is not held to our warnings.
add_library(weir_warnings INTERFACE)
target_compile_options(weir_warnings INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor)
if(WEIR_WERROR)
  target_compile_options(weir_warnings INTERFACE -Werror)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # gcc 12 reports these falsely in optimised standard library code (PR 105329, 105562, 105651, ...).
    target_compile_options(weir_warnings INTERFACE
      -Wno-error=restrict -Wno-error=maybe-uninitialized -Wno-error=array-bounds
      -Wno-error=stringop-overflow -Wno-error=stringop-overread -Wno-error=free-nonheap-object)
  endif()
endif()
