# cmake --install build/release --prefix /usr/local: programs, libraries, headers, example configs with
# the table of benchmark729, pkg-config file and CMake package (find_package(clnas), targets clnas::shared and clnas::static).
include(CMakePackageConfigHelpers)
set(NAS_PACKAGE_FOLDER ${CMAKE_INSTALL_LIBDIR}/cmake/clnas)

install(TARGETS clnas_shared clnas_static EXPORT clnas_targets)
if(TARGET clnas)
    install(TARGETS clnas RUNTIME)
endif()
install(DIRECTORY include/clnas TYPE INCLUDE FILES_MATCHING PATTERN "*.h")
install(DIRECTORY configs DESTINATION ${CMAKE_INSTALL_DATADIR}/clnas) # and the table that simulations need
install(EXPORT clnas_targets NAMESPACE clnas:: DESTINATION ${NAS_PACKAGE_FOLDER})
configure_package_config_file(
    cmake/clnasConfig.cmake.in ${PROJECT_BINARY_DIR}/generated/clnasConfig.cmake
    INSTALL_DESTINATION ${NAS_PACKAGE_FOLDER})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/generated/clnasConfigVersion.cmake
                                 COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/generated/clnasConfig.cmake
              ${PROJECT_BINARY_DIR}/generated/clnasConfigVersion.cmake
        DESTINATION ${NAS_PACKAGE_FOLDER})
# Relative to where the file lies, so that `cmake --install --prefix` may choose any place.
file(RELATIVE_PATH NAS_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" NAS_PC_PREFIX "${NAS_PC_PREFIX}")
configure_file(cmake/clnas.pc.in generated/clnas.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/generated/clnas.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
