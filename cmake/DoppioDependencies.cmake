# What doppio is built from (Debian packages: tools/setup). Those whose headers doppio's own headers
# include stand in doppioConfig.cmake.in too, and all of them where libdoppio is static.

# A surrounding project may have brought a library as targets of its own; those are used then.
macro(doppio_find target)
  if(NOT TARGET ${target})
    find_package(${ARGN} REQUIRED)
  endif()
endmacro()

# Under add_subdirectory the surrounding project must see the libraries that doppio passes on.
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)
doppio_find(Threads::Threads Threads)
doppio_find(OpenMP::OpenMP_CXX OpenMP COMPONENTS CXX)
doppio_find(absl::status absl)
doppio_find(glog::glog glog)
doppio_find(protobuf::libprotobuf Protobuf)
doppio_find(hwy::hwy hwy)
doppio_find(DNNL::dnnl dnnl)
doppio_find(ZLIB::ZLIB ZLIB)
doppio_find(PNG::PNG PNG)
doppio_find(JPEG::JPEG JPEG)
list(APPEND CMAKE_MODULE_PATH "${CMAKE_CURRENT_LIST_DIR}/find")
doppio_find(LevelDB::LevelDB LevelDB)
doppio_find(LMDB::LMDB LMDB)
list(POP_BACK CMAKE_MODULE_PATH)
unset(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL)
