# Script: cmake -DROOT=source-folder -DSCRATCH=folder -DCC=cc -P tests/embed.cmake
#
# A planted .cl file of everything that CMake's strings are known to mangle goes through
# cmake/embed.cmake and the C compiler, and must come back byte for byte.
cmake_minimum_required(VERSION 3.25)
file(REMOVE_RECURSE ${SCRATCH})
set(odd [==[/* semicolons ; ; brackets [ ]; [[ ]] ]] unbalanced [ ( { "quotes" \n backslashes \\ \; */
#define JOIN(a, b) a##b // percent %s %% dollar ${x} $ENV{HOME} $<x> @at@ trigraph ??= ??/ é – ∑
#define CONTINUED 1 + \
    2;
	tab and trailing blanks   

x[i] = y[j]; z = "a;b\"c\\";
]==])
file(WRITE ${SCRATCH}/cl/inner.clh "inner [;\\\n")
file(WRITE ${SCRATCH}/cl/odd.cl "first\n#include \"inner.clh\"\n${odd}#include \"inner.clh\"\nno newline at the end")
set(inner "#line 1 \"inner.clh\"\ninner [;\\\n")
set(wanted "#line 1 \"odd.cl\"\nfirst\n${inner}#line 3 \"odd.cl\"\n${odd}#line 11 \"odd.cl\"\nno newline at the end\n")
file(WRITE ${SCRATCH}/wanted "${wanted}")

execute_process(
    COMMAND ${CMAKE_COMMAND} -DFOLDER=${SCRATCH}/cl -DNAMES=odd.cl -DOUTPUT=${SCRATCH}/sources.c -P
            ${ROOT}/cmake/embed.cmake COMMAND_ERROR_IS_FATAL ANY)
file(WRITE ${SCRATCH}/main.c "#include \"device/kernel_sources.h\"
#include <stdio.h>
int main(void)
{
    const nas_kernel_source *source = nas__kernel_source(\"odd\");
    for (unsigned i = 0; i < source->line_count; i++)
        fputs(source->lines[i], stdout);
    return 0;
}
")
execute_process(COMMAND ${CC} -std=c11 -Wall -Wextra -Werror -I ${ROOT}/host ${SCRATCH}/sources.c
                        ${SCRATCH}/main.c -o ${SCRATCH}/odd COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${SCRATCH}/odd OUTPUT_FILE ${SCRATCH}/found COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} -E compare_files ${SCRATCH}/wanted ${SCRATCH}/found
                RESULT_VARIABLE differs)
if(differs)
    message(FATAL_ERROR "embedded text differs: compare ${SCRATCH}/wanted and ${SCRATCH}/found")
endif()
