# Script: cmake -DHEADERS=include/clnas -DNODE=CLNAS_0.1 -DOUTPUT=clnas.map -P symbols.cmake
#
# The linker's version script: what the public headers declare with NAS_API, under one version, and nothing else.  tests/symbols.sh holds
# the library against what a compiler reads in the headers.
cmake_minimum_required(VERSION 3.25)
file(GLOB headers ${HEADERS}/*.h)
set(names "")
foreach(header IN LISTS headers)
    file(READ ${header} text)
    string(REPLACE ";" "," text "${text}") # CMake's lists are separated by it
    string(REGEX MATCHALL "\nNAS_API[^(,]*[(,]" declarations "${text}")
    foreach(declaration IN LISTS declarations)
        string(REGEX REPLACE ".*[ \n*]([a-z0-9_]+)[(,]$" "\\1" name "${declaration}")
        list(APPEND names ${name})
    endforeach()
endforeach()
list(SORT names)
list(REMOVE_DUPLICATES names)
list(JOIN names ";\n        " names)
file(WRITE ${OUTPUT} "${NODE} {\n    global:\n        ${names};\n    local:\n        *;\n};\n")
