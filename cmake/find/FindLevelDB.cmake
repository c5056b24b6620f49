# LevelDB::LevelDB.
# Its own CMake file asks for Snappy, without depending on the package that has it.
include(FindPackageHandleStandardArgs)
find_path(DOPPIO_LEVELDB_INCLUDE_DIR leveldb/db.h)
find_library(DOPPIO_LEVELDB_LIBRARY leveldb)
mark_as_advanced(DOPPIO_LEVELDB_INCLUDE_DIR DOPPIO_LEVELDB_LIBRARY)
find_package_handle_standard_args(LevelDB REQUIRED_VARS DOPPIO_LEVELDB_LIBRARY DOPPIO_LEVELDB_INCLUDE_DIR)
if(LevelDB_FOUND AND NOT TARGET LevelDB::LevelDB)
  add_library(LevelDB::LevelDB UNKNOWN IMPORTED)
  set_target_properties(LevelDB::LevelDB PROPERTIES
    IMPORTED_LOCATION "${DOPPIO_LEVELDB_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${DOPPIO_LEVELDB_INCLUDE_DIR}")
endif()
