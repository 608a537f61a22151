# OpenCL sources are real files in cl/, embedded into the library by CMake alone (embed.cmake).

# nas_kernels(prelude_test.cl …): files of cl/ that no list header names.
function(nas_kernels)
    foreach(file IN LISTS ARGN)
        get_property(known GLOBAL PROPERTY nas_kernel_files)
        if(NOT file IN_LIST known)
            set_property(GLOBAL APPEND PROPERTY nas_kernel_files ${file})
        endif()
    endforeach()
endfunction()

# Called once after all rooms: one generated C file with every source as an array of lines.
function(nas_finish_kernels)
    get_property(files GLOBAL PROPERTY nas_kernel_files)
    # A kernel file that appears or goes changes what is embedded.
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cl)
    set(present "")
    foreach(file IN LISTS files)
        if(EXISTS ${PROJECT_SOURCE_DIR}/cl/${file})
            list(APPEND present ${file})
        else()
            message(SEND_ERROR "cl/${file} is named by nas_kernels but not there")
        endif()
    endforeach()
    set(output ${PROJECT_BINARY_DIR}/generated/kernel_sources.c)
    list(TRANSFORM present PREPEND ${PROJECT_SOURCE_DIR}/cl/ OUTPUT_VARIABLE paths)
    list(JOIN present " " names)
    add_custom_command(
        OUTPUT ${output}
        COMMAND ${CMAKE_COMMAND} -DFOLDER=${PROJECT_SOURCE_DIR}/cl "-DNAMES=${names}" -DOUTPUT=${output}
                -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
        DEPENDS ${paths} ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
        DEPFILE ${output}.d
        COMMENT "Embedding OpenCL sources"
        VERBATIM)
    target_sources(clnas_objects PRIVATE ${output})
    set_property(GLOBAL PROPERTY nas_kernel_names "${present}")
    set_source_files_properties(${output} PROPERTIES INCLUDE_DIRECTORIES ${PROJECT_SOURCE_DIR}/host)
endfunction()
