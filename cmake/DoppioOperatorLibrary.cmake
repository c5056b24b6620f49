# doppio_operator_library(my_operators SOURCES my_operator.cc [LINK libraries])
#
# A plug-in: my_operators.so, for LoadOperatorLibrary() and `doppio run --load`. It finds doppio's
# registries in the program that loads it. Against a static libdoppio that program must export its
# symbols (ENABLE_EXPORTS, as the doppio command does); a plug-in never brings a second libdoppio.
function(doppio_operator_library name)
  cmake_parse_arguments(PARSE_ARGV 1 PLUGIN "" "" "SOURCES;LINK")
  if(PLUGIN_UNPARSED_ARGUMENTS OR NOT PLUGIN_SOURCES)
    message(FATAL_ERROR "usage: doppio_operator_library(name SOURCES files... [LINK libraries...])")
  endif()
  add_library(${name} MODULE ${PLUGIN_SOURCES})
  set_target_properties(${name} PROPERTIES PREFIX "")
  get_target_property(kind doppio::doppio TYPE)
  if(kind STREQUAL "SHARED_LIBRARY")
    target_link_libraries(${name} PRIVATE doppio::doppio ${PLUGIN_LINK})
  else()
    target_link_libraries(${name} PRIVATE doppio::headers ${PLUGIN_LINK})
  endif()
endfunction()
