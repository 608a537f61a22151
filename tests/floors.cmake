# Script: cmake -DROOT=source-folder -P tests/floors.cmake [-DSELF_TEST=scratch-folder]
#
# host/FLOORS says which room may include which room's public header, and who may include the named
# outside headers.  This reads every #include of host/ROOM/*.c and *.h and fails on
#   - <clnas/x.h> where room x is not allowed (clnas.h is every room: for the top room only), or x is a further header of another room
#     (an `also` line),
#   - "x.h" that is not a file of the room itself: another room's private header,
#   - an outside header that an `only` line gives to another room.
# With SELF_TEST it plants a small tree with one offence of each kind and checks that each is found.
cmake_minimum_required(VERSION 3.25)

# Reads FLOORS: floor_ROOM (allowed rooms), rooms, only_rooms and only_ROOM (header prefixes).
macro(nas_read_floors root)
    file(STRINGS ${root}/host/FLOORS floor_lines)
    set(rooms "")
    set(only_rooms "")
    foreach(line IN LISTS floor_lines)
        if(line MATCHES "^also ([a-z]+): *(.*)$")
            string(REPLACE " " ";" also_${CMAKE_MATCH_1} "${CMAKE_MATCH_2}")
        elseif(line MATCHES "^only ([a-z ]+): *(.*)$")
            string(REPLACE " " "_" owners "${CMAKE_MATCH_1}") # one name or several
            list(APPEND only_rooms ${owners})
            string(REPLACE " " ";" only_${owners} "${CMAKE_MATCH_2}")
        elseif(line MATCHES "^([a-z]+): *(.*)$")
            list(APPEND rooms ${CMAKE_MATCH_1})
            string(REPLACE " " ";" floor_${CMAKE_MATCH_1} "${CMAKE_MATCH_2}")
        endif()
    endforeach()
endmacro()

# Offences of one include of one file, appended to `offences`.
macro(nas_check_include room file include)
    set(where "host/${room}/${file}")
    if("${include}" MATCHES "^[<\"]clnas/([a-z_]+)\\.h[>\"]$")
        set(used ${CMAKE_MATCH_1})
        list(LENGTH floor_${room} allowed)
        list(LENGTH rooms others)
        math(EXPR others "${others} - 1")
        if(used STREQUAL "clnas" AND allowed EQUAL others)
            # The top room may use every other one, and says so in one line.
        elseif(NOT used STREQUAL "${room}" AND NOT used IN_LIST floor_${room} AND NOT used IN_LIST also_${room})
            list(APPEND offences "${where} includes clnas/${used}.h: FLOORS has no arrow ${room} -> ${used}")
        endif()
    elseif("${include}" MATCHES "^\"([^\"]*)\"$")
        set(used ${CMAKE_MATCH_1})
        if(used MATCHES "/" OR NOT EXISTS ${root}/host/${room}/${used})
            list(APPEND offences "${where} includes \"${used}\": not a header of its own room")
        endif()
    endif()
    foreach(owner IN LISTS only_rooms)
        foreach(prefix IN LISTS only_${owner})
            string(FIND "${include}" "<${prefix}" position)
            string(REPLACE "_" ";" owning_rooms ${owner})
            string(REPLACE "_" " and " rooms_of_owner ${owner})
            if(position EQUAL 0 AND NOT "${room}" IN_LIST owning_rooms)
                list(APPEND offences "${where} includes ${include}: only ${rooms_of_owner} may")
            endif()
        endforeach()
    endforeach()
endmacro()

function(nas_check_tree root out)
    nas_read_floors(${root})
    set(offences "")
    set(count 0)
    file(GLOB folders LIST_DIRECTORIES true RELATIVE ${root}/host ${root}/host/*)
    foreach(room IN LISTS folders)
        if(NOT IS_DIRECTORY ${root}/host/${room})
            continue()
        elseif(NOT room IN_LIST rooms)
            list(APPEND offences "host/${room}: no room of FLOORS")
        endif()
        file(GLOB files RELATIVE ${root}/host/${room} ${root}/host/${room}/*.[ch])
        foreach(file IN LISTS files)
            file(STRINGS ${root}/host/${room}/${file} lines REGEX "^[ \t]*#[ \t]*include")
            foreach(line IN LISTS lines)
                if(line MATCHES "include[ \t]*([<\"][^>\"]+[>\"])")
                    nas_check_include(${room} ${file} "${CMAKE_MATCH_1}")
                    math(EXPR count "${count} + 1")
                endif()
            endforeach()
        endforeach()
    endforeach()
    message(STATUS "${root}: ${count} includes read")
    set(${out} "${offences}" PARENT_SCOPE)
endfunction()

# A tree where every kind of offence is planted once, beside what is allowed.
function(nas_self_test scratch)
    file(REMOVE_RECURSE ${scratch})
    file(WRITE ${scratch}/host/FLOORS "base:\ndevice: base\nstudy: base\nonly device: CL/ blast.h\nonly base device: wire.h\nalso device: card\n")
    file(WRITE ${scratch}/host/base/own.h "")
    file(WRITE ${scratch}/host/base/up.c "#include \"own.h\"\n#include <clnas/device.h>\n")
    file(WRITE ${scratch}/host/device/fine.c "#include <clnas/base.h>\n#include <clnas/card.h>\n#  include <CL/cl.h>\n#include <blast.h>\n#include <wire.h>\n")
    file(WRITE ${scratch}/host/device/private.c "#include \"../base/own.h\"\n")
    file(WRITE ${scratch}/host/study/other.c "#include \"own.h\"\n")
    file(WRITE ${scratch}/host/study/sideways.c "#include \"clnas/device.h\"\n#include <CL/cl.h>\n")
    file(WRITE ${scratch}/host/study/shared.c "#include <wire.h>\n")
    file(WRITE ${scratch}/host/study/further.c "#include <clnas/card.h>\n")
    file(WRITE ${scratch}/host/study/all.c "#include <clnas/clnas.h>\n")
    file(WRITE ${scratch}/host/attic/room.c "#include <stdio.h>\n")
    nas_check_tree(${scratch} offences)
    set(wanted
        "host/attic: no room of FLOORS"
        "host/base/up.c includes clnas/device.h: FLOORS has no arrow base -> device"
        "host/device/private.c includes \"../base/own.h\": not a header of its own room"
        "host/study/all.c includes clnas/clnas.h: FLOORS has no arrow study -> clnas"
        "host/study/further.c includes clnas/card.h: FLOORS has no arrow study -> card"
        "host/study/other.c includes \"own.h\": not a header of its own room"
        "host/study/shared.c includes <wire.h>: only base and device may"
        "host/study/sideways.c includes <CL/cl.h>: only device may"
        "host/study/sideways.c includes clnas/device.h: FLOORS has no arrow study -> device")
    list(SORT offences)
    if(NOT offences STREQUAL wanted)
        list(JOIN offences "\n  " offences)
        message(FATAL_ERROR "the floors check does not find what was planted; it found\n  ${offences}")
    endif()
    file(REMOVE_RECURSE ${scratch})
endfunction()

if(SELF_TEST)
    nas_self_test(${SELF_TEST})
else()
    nas_check_tree(${ROOT} offences)
    if(offences)
        list(JOIN offences "\n  " offences)
        message(FATAL_ERROR "arrows that the plan forbids (host/FLOORS):\n  ${offences}")
    endif()
endif()
