// What reads and writes databases.

#include "tests/table/op_table.h"

namespace doppio {
namespace {

DOPPIO_OP_ROW(CreateDB).NoTensors("it makes a reader").InferenceOpen("it has no shape");
DOPPIO_OP_ROW(DBExists).NoTensors("it looks for a file");
DOPPIO_OP_ROW(Load)
    .NoTensors("it reads a file")
    .InferenceOpen("shapes are the file's, where the arguments do not say one");
DOPPIO_OP_ROW(Save).NoTensors("it writes a file");
DOPPIO_OP_ROW(Checkpoint).NoTensors("it writes a file");
DOPPIO_OP_ROW(TensorProtosDBInput).NoTensors("it takes a reader").InferenceOpen("of the records");
DOPPIO_OP_ROW(Snapshot).NoTensors("it writes a file");

}  // namespace
}  // namespace doppio
