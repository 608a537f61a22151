# Compiler flags of everything that is ours, in one interface target.
add_library(clnas_flags INTERFACE)
target_compile_definitions(clnas_flags INTERFACE _XOPEN_SOURCE=700)
target_compile_options(
    clnas_flags
    INTERFACE -Wall
              -Wextra
              -Wshadow
              -Wstrict-prototypes
              -Wmissing-prototypes
              -Wpointer-arith
              -Wvla
              # Names and messages are cut to their fixed buffers on purpose.
              $<$<C_COMPILER_ID:GNU>:-Wno-format-truncation>
              # Sameness: a compiler that fuses a*b+c on one machine only would change results.
              -ffp-contract=off)
if(NAS_WERROR)
    target_compile_options(clnas_flags INTERFACE -Werror)
endif()
if(NAS_SANITIZE)
    if(NAS_SANITIZE STREQUAL "thread")
        set(nas_sanitize -fsanitize=thread -fno-omit-frame-pointer)
    else()
        set(nas_sanitize -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
    endif()
    target_compile_options(clnas_flags INTERFACE ${nas_sanitize})
    target_link_options(clnas_flags INTERFACE ${nas_sanitize})
    set(NAS_SANITIZE_SOURCE ${PROJECT_SOURCE_DIR}/tests/keep_loaded.c)
endif()
