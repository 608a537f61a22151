/* op.h - the descriptors that op_list.h names: host/ops/pool.c defines nas__op_pool, and so on. */
#ifndef NAS_OPS_OP_H
#define NAS_OPS_OP_H

#include <clnas/ops.h>

#define NAS_OP(name) extern const nas_op nas__op_##name;
#include "op_list.h"
#undef NAS_OP

#endif
