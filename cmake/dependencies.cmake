# What the library stands on, in one interface target.  Names of Debian's packages: CONTRIBUTING.md.
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
# By the names of pkg-config, for clnas.pc and clnasConfig.cmake too.
set(NAS_PKG_CONFIG_NAMES OpenCL clblast libconfig sqlite3 jansson zlib libxxhash openblas libprotobuf-c libpng libjpeg)
list(JOIN NAS_PKG_CONFIG_NAMES " " NAS_PKG_CONFIG_WORDS)
foreach(package IN LISTS NAS_PKG_CONFIG_NAMES)
    pkg_check_modules(NAS_${package} REQUIRED IMPORTED_TARGET ${package})
endforeach()
find_path(NAS_RANDOM123_INCLUDE Random123/philox.h REQUIRED)

add_library(clnas_dependencies INTERFACE)
target_compile_definitions(clnas_dependencies INTERFACE CL_TARGET_OPENCL_VERSION=120)
target_include_directories(clnas_dependencies SYSTEM INTERFACE ${NAS_RANDOM123_INCLUDE})
target_link_libraries(
    clnas_dependencies
    INTERFACE PkgConfig::NAS_OpenCL
              PkgConfig::NAS_clblast
              PkgConfig::NAS_libconfig
              PkgConfig::NAS_sqlite3
              PkgConfig::NAS_jansson
              PkgConfig::NAS_zlib
              PkgConfig::NAS_libxxhash
              PkgConfig::NAS_openblas
              PkgConfig::NAS_libprotobuf-c
              PkgConfig::NAS_libpng
              PkgConfig::NAS_libjpeg
              Threads::Threads
              m)
