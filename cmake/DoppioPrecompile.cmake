# Headers that are parsed once and not for each source.
#
#   doppio_precompile(TARGET HEADER [LIBRARIES])
#
# HEADER (src/precompiled.h, ..., relative to the top) is included before every source of the target,
# and compiled once for all targets that name it, with LIBRARIES besides doppio's own. It is compiled
# as position-independent code, as the library is, and so is a program that shares it. No source may
# rely on it (tests/lint/own_includes.py), so -DDOPPIO_PRECOMPILE=OFF builds too. A source that is
# compiled with flags of its own sets SKIP_PRECOMPILE_HEADERS.
option(DOPPIO_PRECOMPILE "Parse the headers that most sources include only once" ON)

function(doppio_precompile target header)
  if(NOT DOPPIO_PRECOMPILE)
    return()
  endif()
  string(MAKE_C_IDENTIFIER "precompiled_${header}" owner)
  if(NOT TARGET ${owner})
    set(source "${PROJECT_BINARY_DIR}/${owner}.cc")
    file(CONFIGURE OUTPUT "${source}" CONTENT "// ${header} is compiled with this file.\n")
    add_library(${owner} OBJECT "${source}")
    doppio_output(${owner})
    target_compile_options(${owner} PRIVATE ${CMAKE_CXX_COMPILE_OPTIONS_PIC})
    target_link_libraries(${owner} PRIVATE doppio_headers doppio_options doppio_sanitizer ${ARGN})
    target_precompile_headers(${owner} PRIVATE "${PROJECT_SOURCE_DIR}/${header}")
  endif()
  target_compile_options(${target} PRIVATE ${CMAKE_CXX_COMPILE_OPTIONS_PIC})
  target_precompile_headers(${target} REUSE_FROM ${owner})
endfunction()
