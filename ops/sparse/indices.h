#ifndef DOPPIO_OPS_SPARSE_INDICES_H_
#define DOPPIO_OPS_SPARSE_INDICES_H_

#include "src/kernel/indices.h"  // IWYU pragma: export

#endif  // DOPPIO_OPS_SPARSE_INDICES_H_
