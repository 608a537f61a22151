# CPack runs this on what it has installed, before it makes packages of it: man pages and changelogs are compressed, without the time, and
# every file belongs to the day of SOURCE_DATE_EPOCH, so that a package can be made again to the byte.
find_program(gzip gzip REQUIRED)
file(GLOB_RECURSE files ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/*)
foreach(file IN LISTS files)
    if(file MATCHES "/man/man[15]/[^/]*\\.[15]$" OR file MATCHES "/doc/[^/]*/changelog[^/]*$" AND NOT file MATCHES "\\.gz$")
        execute_process(COMMAND ${gzip} -9nf ${file} COMMAND_ERROR_IS_FATAL ANY)
    endif()
endforeach()
