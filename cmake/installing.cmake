# cmake --install build/release --prefix /usr/local: three components, each a Debian package too (packaging.cmake).
#
#   library       libclnas.so.N
#   development   headers, libclnas.a, CMake package (find_package(clnas): clnas::shared, clnas::static), pkg-config file
#   tools         programs, man pages, completions, example configs with the table of benchmark729
include(CMakePackageConfigHelpers)
set(NAS_PACKAGE_FOLDER ${CMAKE_INSTALL_LIBDIR}/cmake/clnas)
option(NAS_DISTRIBUTION "Install as a package of Debian does: its places, its documents" OFF)

install(TARGETS clnas_shared EXPORT clnas_targets LIBRARY COMPONENT library NAMELINK_COMPONENT development)
install(TARGETS clnas_static EXPORT clnas_targets ARCHIVE COMPONENT development)
install(DIRECTORY include/clnas TYPE INCLUDE COMPONENT development FILES_MATCHING PATTERN "*.h")
install(EXPORT clnas_targets NAMESPACE clnas:: DESTINATION ${NAS_PACKAGE_FOLDER} COMPONENT development)
configure_package_config_file(
    cmake/clnasConfig.cmake.in ${PROJECT_BINARY_DIR}/generated/clnasConfig.cmake
    INSTALL_DESTINATION ${NAS_PACKAGE_FOLDER})
# Before 1.0.0 a minor version may break programs: 0.2 is no 0.1.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/generated/clnasConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/generated/clnasConfig.cmake
              ${PROJECT_BINARY_DIR}/generated/clnasConfigVersion.cmake
        DESTINATION ${NAS_PACKAGE_FOLDER} COMPONENT development)
# Relative to where the file lies, so that `cmake --install --prefix` may choose any place.
file(RELATIVE_PATH NAS_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" NAS_PC_PREFIX "${NAS_PC_PREFIX}")
configure_file(cmake/clnas.pc.in generated/clnas.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/generated/clnas.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
        COMPONENT development)

if(NOT TARGET clnas)
    return()
endif()
install(DIRECTORY configs DESTINATION ${CMAKE_INSTALL_DATADIR}/clnas COMPONENT tools) # and the table that simulations need
install(FILES packaging/clnas-search@.service DESTINATION ${CMAKE_INSTALL_PREFIX}/lib/systemd/user COMPONENT tools)
if(NAS_TOOLS)
    install(DIRECTORY tools/peers DESTINATION ${CMAKE_INSTALL_DATADIR}/clnas COMPONENT tools
            FILES_MATCHING PATTERN "*.py")
endif()

# Man pages and completions are written by the programs, from their tables of options.
get_property(programs GLOBAL PROPERTY nas_programs)
list(PREPEND programs clnas)
set(pages ${PROJECT_BINARY_DIR}/generated/man)
set(completions ${PROJECT_BINARY_DIR}/generated/completions)
# The day that pages tell: $SOURCE_DATE_EPOCH, else that of the last commit, so that the same source gives the same package.
set(epoch "$ENV{SOURCE_DATE_EPOCH}")
if(epoch STREQUAL "")
    execute_process(COMMAND git log -1 --format=%ct WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE epoch
                    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(epoch STREQUAL "")
    string(TIMESTAMP epoch "%s" UTC)
endif()
set(written "")
foreach(program IN LISTS programs)
    install(TARGETS ${program} RUNTIME COMPONENT tools)
    set(stamp ${completions}/${program}.stamp)
    add_custom_command(
        OUTPUT ${stamp}
        COMMAND ${CMAKE_COMMAND} -E make_directory ${completions}/bash ${completions}/zsh ${completions}/fish
        COMMAND ${CMAKE_COMMAND} -E env SOURCE_DATE_EPOCH=${epoch} $<TARGET_FILE:${program}> --manual ${pages}
        COMMAND ${program} --completion bash > ${completions}/bash/${program}
        COMMAND ${program} --completion zsh > ${completions}/zsh/_${program}
        COMMAND ${program} --completion fish > ${completions}/fish/${program}.fish
        COMMAND ${CMAKE_COMMAND} -E touch ${stamp}
        DEPENDS ${program}
        COMMENT "Writing man pages and completions of ${program}"
        VERBATIM)
    list(APPEND written ${stamp})
endforeach()
add_custom_target(manual ALL DEPENDS ${written})
foreach(section 1 5)
    install(DIRECTORY ${pages}/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section} COMPONENT tools
            FILES_MATCHING PATTERN "*.${section}")
endforeach()
set(zsh_folder ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
set(fish_folder ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
if(NAS_DISTRIBUTION)
    set(zsh_folder ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
endif()
install(DIRECTORY ${completions}/bash/ DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT tools)
install(DIRECTORY ${completions}/zsh/ DESTINATION ${zsh_folder} COMPONENT tools)
install(DIRECTORY ${completions}/fish/ DESTINATION ${fish_folder} COMPONENT tools)
