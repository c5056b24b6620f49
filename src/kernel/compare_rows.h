#ifndef DOPPIO_KERNEL_COMPARE_ROWS_H_
#define DOPPIO_KERNEL_COMPARE_ROWS_H_

#include "src/kernel/broadcast_binary.h"

namespace doppio {

// Comparisons of rows: F is Equal, NotEqual, Less or LessEqual; T is float, double or an integer of
// int8 to int64, uint8 or uint16 (for the first two: unsigned where it has less than 32 bits).
struct Equal;
struct NotEqual;
struct Less;
struct LessEqual;
template <class F, typename T>
BinaryRow<T, bool> CompareRow();

}  // namespace doppio

#endif  // DOPPIO_KERNEL_COMPARE_ROWS_H_
