/* dataset_list.h - every data set, one line each.  C builds the registry from it; CMake compiles
 * host/data/NAME.c, which defines `const nas_dataset nas__dataset_NAME`. */
NAS_DATASET(idx)
NAS_DATASET(cifar)
NAS_DATASET(npy)
NAS_DATASET(images)
NAS_DATASET(csv)
NAS_DATASET(synthetic)
