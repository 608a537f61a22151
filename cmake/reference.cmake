# The target `reference`: what Doxygen makes of the public headers (cmake/Doxyfile.in, cmake/reference.awk).
find_program(NAS_DOXYGEN doxygen)
set(NAS_REFERENCE_FOLDER ${PROJECT_BINARY_DIR}/reference)
configure_file(cmake/Doxyfile.in generated/Doxyfile @ONLY)
if(NAS_DOXYGEN)
    file(MAKE_DIRECTORY ${NAS_REFERENCE_FOLDER})
    add_custom_target(
        reference
        COMMAND ${NAS_DOXYGEN} ${PROJECT_BINARY_DIR}/generated/Doxyfile
        COMMENT "The reference: ${NAS_REFERENCE_FOLDER}/html/index.html"
        VERBATIM)
endif()
