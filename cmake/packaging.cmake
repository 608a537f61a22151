# cmake --preset package && cmake --build --preset package && cpack --preset package: three Debian packages in build/package/packages.
#
#   libclnas0.1    the library            libclnas-dev   headers, static library, CMake package, pkg-config, examples
#   clnas          programs, man pages, completions, configs
#
# Their dependencies are what dpkg-shlibdeps finds.  docs/packages.md tells more; tools/package_proof proves them in a fresh Debian.
set(NAS_PACKAGER "clnas maintainers <clnas@users.noreply.github.com>" CACHE STRING "Maintainer of the packages")
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
set(CPACK_PACKAGE_VENDOR "clnas")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL library development tools)
set(CPACK_COMPONENT_DEVELOPMENT_DEPENDS library)
set(CPACK_COMPONENT_TOOLS_DEPENDS library)
set(CPACK_PROJECT_CONFIG_FILE ${PROJECT_BINARY_DIR}/generated/packaging/epoch.cmake)
file(WRITE ${CPACK_PROJECT_CONFIG_FILE} "set(ENV{SOURCE_DATE_EPOCH} ${epoch})\n")
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/packaging/finish.cmake)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS ON)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SOURCE clnas)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${NAS_PACKAGER})
set(CPACK_DEBIAN_PACKAGE_HOMEPAGE ${PROJECT_HOMEPAGE_URL})
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR}/lib)

set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "") # each has its own
set(about
    "clnas designs neural networks by searching: it draws candidates from a space
of networks, trains each of them itself on any device with OpenCL 1.2, and
lets evolution, reinforcement learning, Bayesian methods or shared weights
choose the next ones.")

set(library libclnas${NAS_ABI}) # as libclnas.so.N is called
set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME ${library})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
# The serial OpenBLAS in front, whose results do not depend on the number of cores.
set(CPACK_DEBIAN_LIBRARY_PACKAGE_DEPENDS "libopenblas0-serial | libopenblas0")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_RECOMMENDS "pocl-opencl-icd | opencl-icd")
set(CPACK_DEBIAN_LIBRARY_DESCRIPTION
    "neural architecture search on OpenCL - library
${about}
.
This package has the library that programs are linked with.")
# Written here, as CPack's own way calls ldconfig instead of asking for its trigger.
file(WRITE ${PROJECT_BINARY_DIR}/generated/packaging/shlibs
     "libclnas ${NAS_ABI} ${library} (= ${PROJECT_VERSION}-1)\n")
file(WRITE ${PROJECT_BINARY_DIR}/generated/packaging/triggers "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA ${PROJECT_BINARY_DIR}/generated/packaging/shlibs
                                               ${PROJECT_BINARY_DIR}/generated/packaging/triggers)

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libclnas-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SHLIBDEPS OFF)
# What clnas.pc names: pkg-config looks at them even for a program with the shared library.
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
    "ocl-icd-opencl-dev, libclblast-dev, libconfig-dev, libsqlite3-dev, libjansson-dev, zlib1g-dev, libxxhash-dev, libopenblas-serial-dev | libopenblas-dev, libprotobuf-c-dev, libpng-dev, libjpeg-dev")
set(CPACK_DEBIAN_DEVELOPMENT_DESCRIPTION
    "neural architecture search on OpenCL - development
${about}
.
This package has what programs that use the library are built with: headers,
the static library, pkg-config and CMake files.")

set(CPACK_DEBIAN_TOOLS_PACKAGE_NAME clnas)
set(CPACK_DEBIAN_TOOLS_PACKAGE_SECTION science)
set(CPACK_DEBIAN_TOOLS_PACKAGE_RECOMMENDS "pocl-opencl-icd | opencl-icd")
set(CPACK_DEBIAN_TOOLS_PACKAGE_SUGGESTS "dataset-fashion-mnist, libclnas-dev, python3-torch")
set(CPACK_DEBIAN_TOOLS_DESCRIPTION
    "neural architecture search on OpenCL
${about}
.
This package has the program clnas, its tools for measuring and tuning devices
and for comparing strategies, their man pages, and example configs.")

# What Debian wants to find in share/doc.
if(NAS_DISTRIBUTION)
    set(ENV{SOURCE_DATE_EPOCH} ${epoch}) # installing.cmake
    string(TIMESTAMP NAS_EPOCH_TEXT "%a, %d %b %Y %H:%M:%S +0000" UTC)
    configure_file(packaging/copyright generated/packaging/copyright @ONLY)
    configure_file(packaging/changelog.debian generated/packaging/changelog.Debian @ONLY)
    install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/libclnas-dev COMPONENT development OPTIONAL)
    foreach(component library development tools)
        string(TOUPPER ${component} upper)
        set(folder ${CMAKE_INSTALL_DATADIR}/doc/${CPACK_DEBIAN_${upper}_PACKAGE_NAME})
        install(FILES ${PROJECT_BINARY_DIR}/generated/packaging/copyright
                      ${PROJECT_BINARY_DIR}/generated/packaging/changelog.Debian DESTINATION ${folder} COMPONENT ${component})
        install(FILES CHANGELOG.md DESTINATION ${folder} RENAME changelog COMPONENT ${component})
        # Not packages of Debian's own archive: there is no request to package them that a changelog could close.
        set(overrides ${PROJECT_BINARY_DIR}/generated/packaging/${CPACK_DEBIAN_${upper}_PACKAGE_NAME})
        file(WRITE ${overrides} "# Made by clnas itself, not for Debian's archive: there is no bug to close.\n"
                                "${CPACK_DEBIAN_${upper}_PACKAGE_NAME}: initial-upload-closes-no-bugs\n")
        if("${component}" STREQUAL "library")
            file(APPEND ${overrides} "# CPack writes these two scripts itself and cannot be told not to; the trigger is asked for as well.\n"
                                     "${library}: maintscript-calls-ldconfig\n")
        endif()
        install(FILES ${overrides} DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides COMPONENT ${component})
    endforeach()
endif()
include(CPack)
