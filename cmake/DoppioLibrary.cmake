# libdoppio: the objects of all rooms and operator families in one library, static or shared as
# BUILD_SHARED_LIBS says.
#
# doppio::doppio is what users link. Operators register themselves from static initialisers that
# nothing refers to, so a static libdoppio is always linked whole; that also holds through a second
# static library, and it gives a plug-in every function it may call.
get_property(rooms GLOBAL PROPERTY DOPPIO_ROOMS)
get_property(link_private GLOBAL PROPERTY DOPPIO_LINK_PRIVATE)
list(REMOVE_DUPLICATES link_private)

set(objects)
foreach(room IN LISTS rooms)
  list(APPEND objects "$<TARGET_OBJECTS:${room}>")
endforeach()
if(NOT objects)
  return()
endif()
if(BUILD_SHARED_LIBS)
  set(library doppio)
  add_library(doppio SHARED ${objects})
  add_library(doppio::doppio ALIAS doppio)
  set_target_properties(doppio PROPERTIES
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
else()
  set(library doppio_archive)
  add_library(doppio_archive STATIC ${objects})
  set_target_properties(doppio_archive PROPERTIES OUTPUT_NAME doppio EXPORT_NAME archive)
  add_library(doppio INTERFACE)
  add_library(doppio::doppio ALIAS doppio)
  # Spelled twice because an export does not rename targets inside LINK_LIBRARY.
  target_link_libraries(doppio INTERFACE
    "$<BUILD_INTERFACE:$<LINK_LIBRARY:WHOLE_ARCHIVE,doppio_archive>>"
    "$<INSTALL_INTERFACE:$<LINK_LIBRARY:WHOLE_ARCHIVE,doppio::archive>>")
endif()
doppio_output(${library})
set_target_properties(${library} PROPERTIES LINKER_LANGUAGE CXX)
target_link_libraries(${library} PUBLIC doppio_headers PRIVATE ${link_private})
if(DOPPIO_OPERATORS)
  target_link_options(${library} PUBLIC -Wl,--gc-sections -Wl,--as-needed)
endif()
if(DOPPIO_SANITIZE)
  target_link_options(${library} PUBLIC "-fsanitize=${DOPPIO_SANITIZE}")
endif()
