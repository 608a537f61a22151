/* fault_scene_list.h - every scene of fault_scenes.c, one line each.  tests/test_faults.c walks them; CMake makes a slow test of
 * each one's long walk, test_faults_long_NAME. */
FAULT_SCENE(tapes)
FAULT_SCENE(profile)
FAULT_SCENE(binaries)
FAULT_SCENE(gemm)
FAULT_SCENE(training)
FAULT_SCENE(streaming)
