// Operators over blobs that are no tensors.

#include "tests/table/op_table.h"

namespace doppio {
namespace {

DOPPIO_OP_ROW(CreateCounter).NoTensors("it makes a counter").InferenceOpen("it has no shape");
DOPPIO_OP_ROW(ResetCounter).NoTensors("it takes a counter");
DOPPIO_OP_ROW(CountDown).NoTensors("it takes a counter");
DOPPIO_OP_ROW(CheckCounterDone).NoTensors("it takes a counter");
DOPPIO_OP_ROW(CountUp).NoTensors("it takes a counter");
DOPPIO_OP_ROW(RetrieveCount).NoTensors("it takes a counter");

DOPPIO_OP_ROW(CreateAtomicBool).NoTensors("it makes a state").InferenceOpen("it has no shape");
DOPPIO_OP_ROW(ConditionalSetAtomicBool).NoTensors("it takes a state");
DOPPIO_OP_ROW(CheckAtomicBool).NoTensors("it takes a state");
DOPPIO_OP_ROW(AtomicFetchAdd).NoTensors("it takes a lock");
DOPPIO_OP_ROW(AtomicFetchAdd64).NoTensors("it takes a lock");

}  // namespace
}  // namespace doppio
