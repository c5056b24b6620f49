# What doppio is built from (Debian packages: docs/building.md). The same list stands in
# doppioConfig.cmake.in for those who link an installed doppio.
find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(absl REQUIRED)
find_package(glog REQUIRED)
find_package(Protobuf REQUIRED)
find_package(hwy REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PNG REQUIRED)
find_package(JPEG REQUIRED)
