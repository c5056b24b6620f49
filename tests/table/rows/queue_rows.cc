#include "tests/table/op_table.h"

namespace doppio {
namespace {

DOPPIO_OP_ROW(CreateBlobsQueue).NoTensors("it makes a queue").InferenceOpen("no tensor");
DOPPIO_OP_ROW(EnqueueBlobs).NoTensors("it takes a queue").InferenceOpen("as the inputs");
DOPPIO_OP_ROW(DequeueBlobs).NoTensors("it takes a queue").InferenceOpen("depends on the queue");
DOPPIO_OP_ROW(CloseBlobsQueue).NoTensors("it takes a queue").InferenceOpen("no outputs");
DOPPIO_OP_ROW(SafeEnqueueBlobs).NoTensors("it takes a queue").InferenceOpen("as the inputs");
DOPPIO_OP_ROW(SafeDequeueBlobs).NoTensors("it takes a queue").InferenceOpen("depends on the queue");
DOPPIO_OP_ROW(WeightedSampleDequeueBlobs)
    .NoTensors("it takes queues")
    .InferenceOpen("depends on the queues");
DOPPIO_OP_ROW(CreateRebatchingQueue).NoTensors("it makes a queue").InferenceOpen("no tensor");
DOPPIO_OP_ROW(EnqueueRebatchingQueue).NoTensors("it takes a queue").InferenceOpen("no outputs");
DOPPIO_OP_ROW(DequeueRebatchingQueue)
    .NoTensors("it takes a queue")
    .InferenceOpen("depends on the queue");
DOPPIO_OP_ROW(CloseRebatchingQueue).NoTensors("it takes a queue").InferenceOpen("no outputs");

}  // namespace
}  // namespace doppio
