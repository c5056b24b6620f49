# A room is a folder of sources with one target, doppio_<name>, and arrows to the rooms it uses.
#
#   doppio_room(tensor
#     PUBLIC_HEADERS tensor.h        # its headers in include/doppio (tests/lint reads this list)
#     SOURCES storage.cc tensor.cc   # default: every .cc of the folder
#     DEPENDS base                   # the rooms it uses; must already be defined
#     LINK absl::status              # libraries whose headers its own headers include
#     LINK_PRIVATE PNG::PNG          # libraries that only its sources know
#     OPENMP parallel.cc)            # sources with OpenMP directives or calls
#
# The room becomes a static library, or an interface library while it has no source. Tests of one
# room link its library alone; users link doppio::doppio, which DoppioLibrary.cmake makes of the
# objects of all rooms.

set(DOPPIO_GENERATED_DIR "${PROJECT_BINARY_DIR}/generated")

# Where built things go, and the language; doppio_output says so to each target of doppio, since
# variables would reach into a project around it.
set(DOPPIO_BIN_DIR "${PROJECT_BINARY_DIR}/bin")
set(DOPPIO_LIB_DIR "${PROJECT_BINARY_DIR}/lib")

# Compile options of doppio's own targets; users never inherit them.
add_library(doppio_options INTERFACE)
target_compile_features(doppio_options INTERFACE cxx_std_17)
# Clang does not know GCC's hint that the steps of a loop do not depend on each other (ivdep).
target_compile_options(doppio_options INTERFACE -Wall -Wextra -Wpedantic
  $<$<CXX_COMPILER_ID:Clang>:-Wno-unknown-pragmas>)
if(DOPPIO_WERROR)
  target_compile_options(doppio_options INTERFACE -Werror)
endif()
target_include_directories(doppio_options INTERFACE "${PROJECT_SOURCE_DIR}")
# What is built says where things stand in doppio, not on the machine that built it.
target_compile_options(doppio_options INTERFACE "-fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=")
# Kernels are compiled for each kind of vectors that is left here, and chosen when they run. What has
# SSSE3 but no SSE4 is a processor of 2006 or 2007; it takes the scalar code. Sanitizers, under which
# every one of them takes many times as long to compile, see two: scalar code and AVX2.
set(DOPPIO_DISABLED_TARGETS HWY_SSSE3)
if(DOPPIO_SANITIZE)
  set(DOPPIO_DISABLED_TARGETS "(HWY_SSSE3|HWY_SSE4|HWY_AVX3|HWY_AVX3_DL)")
endif()
target_compile_definitions(doppio_options INTERFACE
  "HWY_DISABLED_TARGETS=${DOPPIO_DISABLED_TARGETS}")

# GCC looks for memory to collect from 128 MiB on, and precompiled headers bring it near that: a tenth of
# the whole time. Few sources reach 512 MiB.
target_compile_options(doppio_options INTERFACE
  "$<$<CXX_COMPILER_ID:GNU>:SHELL:--param ggc-min-heapsize=524288>")

if(DOPPIO_OPERATORS)
  target_compile_options(doppio_options INTERFACE -ffunction-sections -fdata-sections)
endif()

# The public headers and what they need, without a library: plug-ins compile against this.
add_library(doppio_headers INTERFACE)
add_library(doppio::headers ALIAS doppio_headers)
set_target_properties(doppio_headers PROPERTIES EXPORT_NAME headers)
target_compile_features(doppio_headers INTERFACE cxx_std_17)
target_include_directories(doppio_headers INTERFACE
  "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>"
  "$<BUILD_INTERFACE:${DOPPIO_GENERATED_DIR}>"
  "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")

function(doppio_output target)
  set_target_properties(${target} PROPERTIES
    CXX_STANDARD 17 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF
    RUNTIME_OUTPUT_DIRECTORY "${DOPPIO_BIN_DIR}"
    LIBRARY_OUTPUT_DIRECTORY "${DOPPIO_LIB_DIR}"
    ARCHIVE_OUTPUT_DIRECTORY "${DOPPIO_LIB_DIR}")
endfunction()

function(doppio_room name)
  cmake_parse_arguments(PARSE_ARGV 1 ROOM "" ""
    "PUBLIC_HEADERS;SOURCES;DEPENDS;LINK;LINK_PRIVATE;OPENMP")
  if(ROOM_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "doppio_room(${name}): unknown words ${ROOM_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT ROOM_SOURCES)
    file(GLOB ROOM_SOURCES CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cc")
  endif()
  foreach(header IN LISTS ROOM_PUBLIC_HEADERS)
    if(NOT EXISTS "${PROJECT_SOURCE_DIR}/include/doppio/${header}")
      message(STATUS "doppio_room(${name}): include/doppio/${header} does not exist (yet)")
    endif()
  endforeach()

  set(target doppio_${name})
  set(arrows)
  foreach(room IN LISTS ROOM_DEPENDS)
    if(NOT TARGET doppio_${room})
      message(FATAL_ERROR "doppio_room(${name}): no room '${room}' before this one")
    endif()
    list(APPEND arrows doppio_${room})
  endforeach()

  if(ROOM_OPENMP)
    set_source_files_properties(${ROOM_OPENMP} PROPERTIES
      COMPILE_OPTIONS "${OpenMP_CXX_FLAGS}" SKIP_PRECOMPILE_HEADERS ON)
    list(APPEND ROOM_LINK_PRIVATE $<LINK_ONLY:OpenMP::OpenMP_CXX>)
  endif()

  if(ROOM_SOURCES)
    add_library(${target} STATIC ${ROOM_SOURCES})
    doppio_output(${target})
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    target_link_libraries(${target}
      PUBLIC doppio_headers doppio_sanitizer ${arrows} ${ROOM_LINK}
      PRIVATE doppio_options ${ROOM_LINK_PRIVATE})
    # Rooms below the messages see no operators.
    set(precompiled src/kernel/precompiled.h)
    if(TARGET doppio_proto)
      set(precompiled src/precompiled.h)
    endif()
    doppio_precompile(${target} ${precompiled})
    doppio_unity(${target} ${precompiled})
    set_property(GLOBAL APPEND PROPERTY DOPPIO_ROOMS ${target})
  else()
    add_library(${target} INTERFACE)
    target_link_libraries(${target}
      INTERFACE doppio_headers doppio_sanitizer ${arrows} ${ROOM_LINK})
  endif()
  target_link_libraries(doppio_headers INTERFACE ${ROOM_LINK})
  set_property(GLOBAL APPEND PROPERTY DOPPIO_LINK_PRIVATE ${ROOM_LINK_PRIVATE})
endfunction()
