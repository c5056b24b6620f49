# -DDOPPIO_OPERATORS=ops.txt: a doppio with the operators of that list alone.
#
# `doppio ops --of net.pb > ops.txt` writes it: a line an operator, its name and its source, as in
# "Relu ops/elementwise/relu.cc". What stands in the same source comes along (its gradient), and what
# that source includes of ops/. Code that nothing refers to is left out when programs are linked.
set(DOPPIO_CHOSEN_SOURCES)  # relative to the top, with those that they need
set(DOPPIO_USES_DNN ON)     # whether any of them needs the room dnn, and so oneDNN

if(DOPPIO_OPERATORS)
  if(DOPPIO_BUILD_TESTS OR DOPPIO_BUILD_EXAMPLES)
    message(FATAL_ERROR "Tests and examples need all operators: with DOPPIO_OPERATORS say "
      "-DDOPPIO_BUILD_TESTS=OFF -DDOPPIO_BUILD_EXAMPLES=OFF, or take a new folder to build in")
  endif()
  get_filename_component(list_file "${DOPPIO_OPERATORS}" ABSOLUTE BASE_DIR "${CMAKE_BINARY_DIR}")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${list_file}")
  file(STRINGS "${list_file}" lines)
  set(open)
  foreach(line IN LISTS lines)
    if(line MATCHES "^(#.*)?$")
      continue()
    endif()
    if(NOT line MATCHES "^[A-Za-z0-9_]+ +(ops/[a-z0-9_]+/[a-z0-9_]+\\.cc)$" OR
       NOT EXISTS "${PROJECT_SOURCE_DIR}/${CMAKE_MATCH_1}")
      message(FATAL_ERROR "${DOPPIO_OPERATORS}: \"${line}\" is no operator with its source, such as "
        "\"Relu ops/elementwise/relu.cc\"; `doppio ops --of NET` writes such lists")
    endif()
    list(APPEND open "${CMAKE_MATCH_1}")
  endforeach()
  if(NOT open)
    message(FATAL_ERROR "${DOPPIO_OPERATORS} names no operator")
  endif()
  set(DOPPIO_USES_DNN OFF)
  # Headers of families, and the source beside each.
  set(seen)
  while(open)
    list(POP_FRONT open path)
    if(path IN_LIST seen)
      continue()
    endif()
    list(APPEND seen "${path}")
    file(STRINGS "${PROJECT_SOURCE_DIR}/${path}" lines REGEX "^#include \"src/dnn/")
    if(lines)
      set(DOPPIO_USES_DNN ON)
    endif()
    file(STRINGS "${PROJECT_SOURCE_DIR}/${path}" lines REGEX "^#include \"ops/")
    foreach(line IN LISTS lines)
      string(REGEX REPLACE "^#include \"([^\"]+)\".*$" "\\1" header "${line}")
      string(REGEX REPLACE "\\.h$" ".cc" beside "${header}")
      list(APPEND open "${header}")
      if(EXISTS "${PROJECT_SOURCE_DIR}/${beside}")
        list(APPEND open "${beside}")
      endif()
    endforeach()
  endwhile()
  set(DOPPIO_CHOSEN_SOURCES "${seen}")
endif()

# Leaves those sources (absolute paths, of ops/) in the list that were chosen.
function(doppio_keep_chosen_operators variable)
  if(NOT DOPPIO_OPERATORS)
    return()
  endif()
  set(kept)
  foreach(source IN LISTS ${variable})
    file(RELATIVE_PATH path "${PROJECT_SOURCE_DIR}" "${source}")
    if(path IN_LIST DOPPIO_CHOSEN_SOURCES)
      list(APPEND kept "${source}")
    endif()
  endforeach()
  set(${variable} "${kept}" PARENT_SCOPE)
endfunction()
