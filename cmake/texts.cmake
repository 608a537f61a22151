# nas_text_lines(NAME FILE OUT): a C array lines_NAME of the file's lines, which ends with NULL, for files that the program carries with it.
# Every line is one string; the text is only ever handled whole, as CMake's lists would mangle `;`.
function(nas_text_lines name file out)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    file(READ ${file} text)
    string(REPLACE "\\" "\\\\" text "${text}")
    string(REPLACE "\"" "\\\"" text "${text}")
    string(REPLACE "?" "\\?" text "${text}") # no trigraphs
    string(REPLACE "\n" "\\n\",\n    \"" text "${text}")
    set(${out} "static const char *const lines_${name}[] = {\n    \"${text}\", NULL};\n" PARENT_SCOPE)
endfunction()
