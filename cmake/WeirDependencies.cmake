# Every external library, in one place; the packages they come from are in deploy/deps.sh.

find_package(Threads REQUIRED)
find_package(Protobuf REQUIRED)  # Debian ships no CONFIG file: CMake's own module
find_package(absl CONFIG REQUIRED)
find_package(gRPC CONFIG REQUIRED)  # after Protobuf; its "Could NOT find c-ares" is harmless
find_package(RocksDB CONFIG REQUIRED)  # use RocksDB::rocksdb-shared
find_package(CURL REQUIRED)
find_package(fmt CONFIG REQUIRED)
find_package(spdlog CONFIG REQUIRED)
find_package(simdjson CONFIG REQUIRED)
find_package(CLI11 CONFIG REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(FYAML REQUIRED IMPORTED_TARGET libfyaml)
pkg_check_modules(RDKAFKA REQUIRED IMPORTED_TARGET rdkafka)
pkg_check_modules(HIREDIS REQUIRED IMPORTED_TARGET hiredis)  # find_package(Hiredis) aborts in Debian 12
pkg_check_modules(HTTPLIB REQUIRED IMPORTED_TARGET cpp-httplib)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)  # reports version 0.0.0: do not ask for one

# The test set of deploy/deps.sh. A user who only builds `weir` does not need it.
find_package(GTest CONFIG QUIET)
find_package(rapidcheck CONFIG QUIET)
find_package(benchmark CONFIG QUIET)
