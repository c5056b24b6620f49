#include "tests/table/op_table.h"

namespace doppio {
namespace {

DOPPIO_OP_ROW(CreateTextFileReader).NoTensors("it makes a reader").InferenceOpen("no tensor");
DOPPIO_OP_ROW(CreateBlobsQueueDB).NoTensors("it makes a reader").InferenceOpen("no tensor");
DOPPIO_OP_ROW(ImageInput).NoTensors("it takes a reader").InferenceOpen("of the records");
DOPPIO_OP_ROW(TextFileReaderRead).NoTensors("it takes a reader").InferenceOpen("of the file");

}  // namespace
}  // namespace doppio
