# List headers are the only registration: a line `NAS_OP(conv2d)` in host/ops/op_list.h makes C build
# its table and CMake compile host/ops/conv2d.c (and embed cl/conv2d.cl where there is one).

# Names in a list header, in order.  A list that does not exist yet has none.
function(nas_list_names out header macro)
    set(names "")
    if(EXISTS ${header})
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${header})
        file(STRINGS ${header} lines REGEX "^[ \t]*${macro}\\([a-z0-9_]+\\)")
        foreach(line IN LISTS lines)
            string(REGEX REPLACE "^[ \t]*${macro}\\(([a-z0-9_]+)\\).*" "\\1" name "${line}")
            list(APPEND names ${name})
        endforeach()
    else()
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR})
    endif()
    set(${out} "${names}" PARENT_SCOPE)
endfunction()

# nas_room_list(ops op_list.h NAS_OP [KERNELS] [PREFIX command_]): compiles NAME.c (PREFIXNAME.c) of
# this folder for every name; with KERNELS also embeds cl/NAME.cl where it exists.
function(nas_room_list room header macro)
    cmake_parse_arguments(PARSE_ARGV 3 ARG "KERNELS" "PREFIX" "")
    nas_list_names(names ${CMAKE_CURRENT_SOURCE_DIR}/${header} ${macro})
    list(TRANSFORM names REPLACE "(.+)" "${ARG_PREFIX}\\1.c" OUTPUT_VARIABLE files)
    nas_room(${room} ${files})
    if(ARG_KERNELS)
        foreach(name IN LISTS names)
            if(EXISTS ${PROJECT_SOURCE_DIR}/cl/${name}.cl)
                nas_kernels(${name}.cl)
            endif()
        endforeach()
    endif()
endfunction()
