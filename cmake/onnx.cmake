# ONNX's messages in C (onnx.pb-c.h), from the description that Debian's libonnx-dev has; the rooms export and import use them.
find_program(NAS_PROTOC_C protoc-c REQUIRED)
find_path(NAS_ONNX_PROTO onnx.proto PATH_SUFFIXES onnx REQUIRED)
set(messages ${PROJECT_BINARY_DIR}/generated/onnx)
file(MAKE_DIRECTORY ${messages})
add_custom_command(
    OUTPUT ${messages}/onnx.pb-c.c ${messages}/onnx.pb-c.h
    COMMAND ${NAS_PROTOC_C} -I${NAS_ONNX_PROTO} --c_out=${messages} ${NAS_ONNX_PROTO}/onnx.proto
    DEPENDS ${NAS_ONNX_PROTO}/onnx.proto
    COMMENT "Generating ONNX's messages"
    VERBATIM)
add_library(clnas_onnx OBJECT ${messages}/onnx.pb-c.c)
set_target_properties(clnas_onnx PROPERTIES POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden)
target_link_libraries(clnas_onnx PUBLIC PkgConfig::NAS_libprotobuf-c)
target_include_directories(clnas_onnx SYSTEM INTERFACE ${messages})
target_include_directories(clnas_objects SYSTEM PRIVATE ${messages})
add_dependencies(clnas_objects clnas_onnx)
