# doppio_sanitizer: the flags that sanitized objects and whatever links them must agree on.
set(DOPPIO_SANITIZE "" CACHE STRING "Sanitizers for doppio's code, e.g. address,undefined")
option(DOPPIO_FUZZ "Build the targets of tests/fuzz with libFuzzer, by clang, and no other test" OFF)

# absl's mutexes as ThreadSanitizer sees them. absl may be in an inline namespace, which is part of
# its names.
function(doppio_show_mutexes target)
  get_target_property(folders absl::config INTERFACE_INCLUDE_DIRECTORIES)
  find_file(options absl/base/options.h HINTS ${folders} NO_CACHE REQUIRED)
  file(READ "${options}" options)
  set(namespace)
  if(options MATCHES "#define ABSL_OPTION_USE_INLINE_NAMESPACE 1" AND
     options MATCHES "#define ABSL_OPTION_INLINE_NAMESPACE_NAME ([a-z0-9_]+)")
    string(LENGTH "${CMAKE_MATCH_1}" length)
    set(namespace "${length}${CMAKE_MATCH_1}")
  endif()
  add_library(doppio_tsan_mutex STATIC "${PROJECT_SOURCE_DIR}/cmake/tsan/absl_mutex.cc")
  foreach(function LOCK=4LockEv UNLOCK=6UnlockEv READER_LOCK=10ReaderLockEv
                   READER_UNLOCK=12ReaderUnlockEv DESTROY=D1Ev)
    string(REGEX MATCH "^(.*)=(.*)$" _ "${function}")
    set(name "_ZN4absl${namespace}5Mutex${CMAKE_MATCH_2}")
    target_compile_definitions(doppio_tsan_mutex PRIVATE "DOPPIO_MUTEX_${CMAKE_MATCH_1}=\"${name}\"")
    # absl calls them too, from shared libraries, for which the linker takes nothing from archives.
    target_link_options(${target} INTERFACE
      "-Wl,--wrap=${name}" "-Wl,--undefined=__wrap_${name}")
  endforeach()
  target_link_libraries(${target} INTERFACE doppio_tsan_mutex)
endfunction()

add_library(doppio_sanitizer INTERFACE)
if(DOPPIO_SANITIZE)
  target_compile_options(doppio_sanitizer INTERFACE "-fsanitize=${DOPPIO_SANITIZE}")
  target_link_options(doppio_sanitizer INTERFACE "-fsanitize=${DOPPIO_SANITIZE}")
  if(DOPPIO_SANITIZE MATCHES "undefined")
    target_compile_options(doppio_sanitizer INTERFACE -fno-sanitize-recover=undefined)
  endif()
  if(DOPPIO_SANITIZE MATCHES "thread")
    doppio_show_mutexes(doppio_sanitizer)
  endif()
endif()
# What GCC defines by itself; sources ask for it.
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  if(DOPPIO_SANITIZE MATCHES "address")
    target_compile_definitions(doppio_sanitizer INTERFACE __SANITIZE_ADDRESS__)
  elseif(DOPPIO_SANITIZE MATCHES "thread")
    target_compile_definitions(doppio_sanitizer INTERFACE __SANITIZE_THREAD__)
  endif()
endif()
if(DOPPIO_FUZZ)  # what tells libFuzzer which code an input reached; without its main()
  target_compile_options(doppio_sanitizer INTERFACE -fsanitize=fuzzer-no-link)
endif()
