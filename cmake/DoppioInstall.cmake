# Headers, library, command, the format's .proto, and what find_package and pkg-config read.
include(CMakePackageConfigHelpers)

set(config_dir "${CMAKE_INSTALL_LIBDIR}/cmake/doppio")

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/doppio" "${DOPPIO_GENERATED_DIR}/doppio"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.h"
  PATTERN "onnx.pb.h" EXCLUDE)  # no public header needs it
install(DIRECTORY "${PROJECT_SOURCE_DIR}/proto/doppio"
  DESTINATION "${CMAKE_INSTALL_DATADIR}/doppio/proto" FILES_MATCHING PATTERN "*.proto")

set(targets doppio doppio_headers)
if(TARGET doppio_archive)
  list(APPEND targets doppio_archive)
endif()
install(TARGETS ${targets} EXPORT doppioTargets)
if(TARGET doppio_command)
  # The command finds a shared libdoppio wherever the whole was installed to.
  file(RELATIVE_PATH lib_from_bin "${CMAKE_INSTALL_FULL_BINDIR}" "${CMAKE_INSTALL_FULL_LIBDIR}")
  set_target_properties(doppio_command PROPERTIES INSTALL_RPATH "$ORIGIN/${lib_from_bin}")
  install(TARGETS doppio_command)
endif()

install(EXPORT doppioTargets NAMESPACE doppio:: DESTINATION "${config_dir}")
configure_package_config_file(cmake/doppioConfig.cmake.in
  "${PROJECT_BINARY_DIR}/doppioConfig.cmake" INSTALL_DESTINATION "${config_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/doppioConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES
  "${PROJECT_BINARY_DIR}/doppioConfig.cmake" "${PROJECT_BINARY_DIR}/doppioConfigVersion.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/DoppioOperatorLibrary.cmake"
  DESTINATION "${config_dir}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/cmake/find" DESTINATION "${config_dir}")

# pkg-config knows its libraries by other names than CMake. A static libdoppio is linked whole; one
# word, so that no tool can put something in between.
set(DOPPIO_PC_REQUIRES "absl_flat_hash_map absl_function_ref absl_inlined_vector absl_span \
absl_status absl_statusor absl_str_format absl_strings absl_synchronization absl_time \
libglog protobuf")
set(DOPPIO_PC_LIBS "-L\${libdir} -ldoppio")
if(TARGET doppio_archive)
  string(APPEND DOPPIO_PC_REQUIRES " libhwy zlib libpng libjpeg lmdb")
  set(DOPPIO_PC_LIBS
    "-L\${libdir} -Wl,--whole-archive,-ldoppio,--no-whole-archive -ldnnl -lleveldb ${OpenMP_CXX_FLAGS} -pthread")
endif()
file(RELATIVE_PATH DOPPIO_PC_PREFIX "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig"
  "${CMAKE_INSTALL_PREFIX}")
configure_file(cmake/doppio.pc.in "${PROJECT_BINARY_DIR}/doppio.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/doppio.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
