# Rooms: the folders of host/.  Each lists its own files; together they are the library, and the room
# `cli` is the program.
add_library(clnas_objects OBJECT)
target_link_libraries(clnas_objects PUBLIC clnas_dependencies PRIVATE clnas_flags)
target_include_directories(clnas_objects PUBLIC ${PROJECT_SOURCE_DIR}/include)
target_compile_definitions(
    clnas_objects
    PRIVATE NAS_VERSION_MAJOR=${PROJECT_VERSION_MAJOR} NAS_VERSION_MINOR=${PROJECT_VERSION_MINOR}
            NAS_VERSION_PATCH=${PROJECT_VERSION_PATCH})

# nas_room(base status.c log.c …): adds files of the current folder.
function(nas_room room)
    foreach(file IN LISTS ARGN)
        set(path ${CMAKE_CURRENT_SOURCE_DIR}/${file})
        get_property(known GLOBAL PROPERTY nas_${room}_sources)
        if(path IN_LIST known)
            continue()
        elseif(NOT EXISTS ${path})
            set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR})
            message(SEND_ERROR "host/${room}/${file} is listed but not there")
            continue()
        endif()
        set_property(GLOBAL APPEND PROPERTY nas_${room}_sources ${path})
        if(NOT room STREQUAL "cli")
            target_sources(clnas_objects PRIVATE ${path})
        endif()
    endforeach()
endfunction()

# The shared library exports what the public headers declare, each symbol with the version of the interface (symbols.cmake, docs/abi.md).
function(nas_symbol_versions)
    set(map ${PROJECT_BINARY_DIR}/generated/clnas.map)
    set(script ${PROJECT_SOURCE_DIR}/cmake/symbols.cmake)
    file(GLOB headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/clnas/*.h)
    add_custom_command(
        OUTPUT ${map}
        COMMAND ${CMAKE_COMMAND} -DHEADERS=${PROJECT_SOURCE_DIR}/include/clnas -DNODE=CLNAS_${NAS_ABI}
                -DOUTPUT=${map} -P ${script}
        DEPENDS ${headers} ${script}
        COMMENT "Listing the library's symbols"
        VERBATIM)
    target_sources(clnas_shared PRIVATE ${map})
    set_target_properties(clnas_shared PROPERTIES LINK_DEPENDS ${map})
    target_link_options(clnas_shared PRIVATE -Wl,--version-script=${map})
endfunction()

# nas_program_sources(command_line.c …): files of the current folder that every program is linked with, clnas and the tools alike.
function(nas_program_sources)
    list(TRANSFORM ARGN PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
    set_property(GLOBAL APPEND PROPERTY nas_program_sources ${ARGN})
endfunction()

# Called once after all rooms: the two libraries, and the program when it has sources.
function(nas_finish_libraries)
    foreach(kind shared static)
        string(TOUPPER ${kind} upper)
        add_library(clnas_${kind} ${upper} $<TARGET_OBJECTS:clnas_objects> $<TARGET_OBJECTS:clnas_onnx>)
        add_library(clnas::${kind} ALIAS clnas_${kind})
        target_include_directories(
            clnas_${kind} INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                                    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
        set_target_properties(clnas_${kind} PROPERTIES OUTPUT_NAME clnas EXPORT_NAME ${kind})
        target_link_libraries(clnas_${kind} PRIVATE $<BUILD_INTERFACE:clnas_flags>)
    endforeach()
    set_target_properties(clnas_shared PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${NAS_ABI})
    nas_symbol_versions()
    target_link_libraries(clnas_shared PRIVATE $<BUILD_INTERFACE:clnas_dependencies>)
    target_link_libraries(clnas_static PUBLIC $<BUILD_INTERFACE:clnas_dependencies>)
    if(NOT NAS_SANITIZE)
        target_link_options(clnas_shared PRIVATE -Wl,--no-undefined)
    endif()

    get_property(sources GLOBAL PROPERTY nas_program_sources)
    add_library(clnas_program STATIC ${sources})
    target_include_directories(clnas_program PUBLIC ${PROJECT_SOURCE_DIR}/host)
    target_link_libraries(clnas_program PUBLIC clnas_shared PRIVATE clnas_flags)
    get_property(sources GLOBAL PROPERTY nas_cli_sources)
    if(sources)
        # Linked to the shared library on purpose: the program may use what is exported, no more.
        add_executable(clnas ${sources} ${NAS_SANITIZE_SOURCE})
        target_link_libraries(clnas PRIVATE clnas_program clnas_shared clnas_flags clnas_dependencies)
    endif()
endfunction()
