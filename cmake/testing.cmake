# nas_test(NAME LABELS unit|device|slow|cli … [PUBLIC] [SOURCES file.c …] [TIMEOUT seconds]): one cmocka
# executable (default source NAME.c), linked to the static library so that nas__ symbols are in reach; PUBLIC: to the shared one, with the
# public headers alone.
# Exit code 77 is a skipped test.  nas_matrix(VARIANT …): the device tests again, on another OpenCL.
# nas_tool(NAME file.c …): one program in tools/.
#
# Every test takes one of ctest's places, those on a PoCL device too, though PoCL has a thread for each core: where no kernel has been built yet, as
# in CI, nearly all of their time is that of PoCL's compiler, which takes one core.
if(NAS_TESTS)
    find_package(cmocka REQUIRED)
endif()
set(NAS_LSAN_FILE ${PROJECT_SOURCE_DIR}/tests/lsan.supp)

# What every test process sees: private caches inside the build folder, and no tuning file of this machine.
function(nas_test_environment name)
    set_property(TEST ${name} PROPERTY SKIP_RETURN_CODE 77)
    set_property(
        TEST ${name}
        PROPERTY ENVIRONMENT
                 "POCL_CACHE_DIR=${PROJECT_BINARY_DIR}/cache/pocl"
                 "CLNAS_CACHE=${PROJECT_BINARY_DIR}/cache/clnas"
                 "CLNAS_TUNING=never"
                 "NAS_PROGRAM=${PROJECT_BINARY_DIR}/bin/clnas"
                 "NAS_SOURCE_FOLDER=${PROJECT_SOURCE_DIR}"
                 "NAS_BUILD_FOLDER=${PROJECT_BINARY_DIR}"
                 "LSAN_OPTIONS=suppressions=${NAS_LSAN_FILE}:print_suppressions=0"
                 "TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/tsan.supp:print_suppressions=0:ignore_noninstrumented_modules=1")
endfunction()

# Each test works in a folder of its own: variants of one program run side by side and write the same names.
function(nas_test_folder name variable)
    set(folder ${PROJECT_BINARY_DIR}/tests/run/${name})
    file(MAKE_DIRECTORY ${folder})
    set(${variable} ${folder} PARENT_SCOPE)
endfunction()

function(nas_test name)
    cmake_parse_arguments(ARG "PUBLIC" "TIMEOUT" "LABELS;SOURCES" ${ARGN})
    if(NOT ARG_SOURCES)
        set(ARG_SOURCES ${name}.c)
    endif()
    foreach(file IN LISTS ARG_SOURCES)
        if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${file})
            set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR})
            message(SEND_ERROR "tests/${file} is listed but not there")
            return()
        endif()
    endforeach()
    if(NOT ARG_TIMEOUT)
        set(ARG_TIMEOUT 300)
    endif()
    add_executable(${name} ${ARG_SOURCES} ${NAS_SANITIZE_SOURCE})
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests ${CMOCKA_INCLUDE_DIR})
    if(ARG_PUBLIC)
        target_link_libraries(${name} PRIVATE clnas_shared clnas_flags cmocka m)
    else()
        target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/host)
        target_link_libraries(${name} PRIVATE clnas_static clnas_flags cmocka)
    endif()
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
    nas_test_folder(${name} folder)
    add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${folder})
    set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT})
    nas_test_environment(${name})
    if("device" IN_LIST ARG_LABELS)
        set_property(GLOBAL APPEND PROPERTY NAS_DEVICE_TESTS ${name})
    endif()
endfunction()

# nas_matrix(VARIANT [ONLY test …] [SHORT test …] [EXCEPT test …]): every device test listed so far, or those in ONLY, again as
# NAME@VARIANT, under tests/matrix.sh; with the label slow unless it is in SHORT, never where it is in EXCEPT.
function(nas_matrix variant)
    cmake_parse_arguments(ARG "" "" "ONLY;SHORT;EXCEPT" ${ARGN})
    get_property(tests GLOBAL PROPERTY NAS_DEVICE_TESTS)
    foreach(test IN LISTS tests)
        if(test IN_LIST ARG_EXCEPT OR (ARG_ONLY AND NOT test IN_LIST ARG_ONLY))
            continue()
        endif()
        set(labels "device;matrix")
        set(timeout 600)
        if(NOT test IN_LIST ARG_SHORT)
            set(labels "slow;matrix")
            set(timeout 2400)
        endif()
        set(name ${test}@${variant})
        nas_test_folder(${name} folder)
        add_test(NAME ${name} COMMAND ${PROJECT_SOURCE_DIR}/tests/matrix.sh ${variant} $<TARGET_FILE:${test}>
                 WORKING_DIRECTORY ${folder})
        set_tests_properties(${name} PROPERTIES LABELS "${labels}" TIMEOUT ${timeout})
        nas_test_environment(${name})
    endforeach()
endfunction()

# nas_script_test(NAME LABELS … COMMAND …): a test that is a command.
function(nas_script_test name)
    cmake_parse_arguments(ARG "" "TIMEOUT" "LABELS;COMMAND" ${ARGN})
    if(NOT ARG_TIMEOUT)
        set(ARG_TIMEOUT 300)
    endif()
    nas_test_folder(${name} folder)
    add_test(NAME ${name} COMMAND ${ARG_COMMAND} WORKING_DIRECTORY ${folder})
    set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT})
    nas_test_environment(${name})
endfunction()

function(nas_tool name)
    foreach(file IN LISTS ARGN)
        if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${file})
            set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR})
            message(SEND_ERROR "tools/${file} is listed but not there")
            return()
        endif()
    endforeach()
    add_executable(${name} ${ARGN})
    target_link_libraries(${name} PRIVATE clnas_program clnas_shared clnas_flags clnas_dependencies)
    set_property(GLOBAL APPEND PROPERTY nas_programs ${name})
endfunction()
