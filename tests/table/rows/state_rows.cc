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

DOPPIO_OP_ROW(IntIndexCreate).NoTensors("it makes an index").InferenceOpen("it has no shape");
DOPPIO_OP_ROW(LongIndexCreate).NoTensors("it makes an index").InferenceOpen("it has no shape");
DOPPIO_OP_ROW(StringIndexCreate).NoTensors("it makes an index").InferenceOpen("it has no shape");
DOPPIO_OP_ROW(IndexGet).NoTensors("it takes an index");
DOPPIO_OP_ROW(IndexLoad).NoTensors("it takes an index").InferenceOpen("it has no shape");
DOPPIO_OP_ROW(IndexStore).NoTensors("it takes an index").InferenceOpen("the size is the index's");
DOPPIO_OP_ROW(IndexFreeze).NoTensors("it takes an index").InferenceOpen("it has no shape");
DOPPIO_OP_ROW(IndexSize).NoTensors("it takes an index");
DOPPIO_OP_ROW(CreateMap).NoTensors("it makes a map").InferenceOpen("it has no shape");
DOPPIO_OP_ROW(KeyValueToMap).NoTensors("it makes a map").InferenceOpen("it has no shape");
DOPPIO_OP_ROW(MapToKeyValue).NoTensors("it takes a map").InferenceOpen("the size is the map's");

DOPPIO_OP_ROW(CreateTensorVector).NoTensors("it makes a list").InferenceOpen("it has no shape");
DOPPIO_OP_ROW(TensorVectorSize).NoTensors("it takes a list");
DOPPIO_OP_ROW(ConcatTensorVector)
    .NoTensors("it takes a list")
    .InferenceOpen("the sizes are those of what is in it");
DOPPIO_OP_ROW(CollectTensor).NoTensors("it takes a list").InferenceOpen("it has no shape");
DOPPIO_OP_ROW(AtomicAppend)
    .NoTensors("it takes a lock")
    .InferenceOpen("the sizes are those of a run");
DOPPIO_OP_ROW(LastNWindowCollector)
    .NoTensors("it gives what it collected in runs before")
    .InferenceOpen("the sizes are those of a run");
DOPPIO_OP_ROW(Accumulate).NoTensors("it adds to what is there from runs before");

DOPPIO_OP_ROW(ReservoirSampling)
    .NoTensors("it takes a lock, and gives what it collected in runs before")
    .InferenceOpen("the sizes are those of a run");

DOPPIO_OP_ROW(StatRegistryCreate).NoTensors("it makes a registry").InferenceOpen("it has no shape");
DOPPIO_OP_ROW(StatRegistryUpdate).NoTensors("it changes a registry");
DOPPIO_OP_ROW(StatRegistryExport)
    .NoTensors("it reads a registry")
    .InferenceOpen("the sizes are the registry's");
DOPPIO_OP_ROW(TimerBegin).NoTensors("it makes a timer").InferenceOpen("it has no shape");
DOPPIO_OP_ROW(TimerEnd).NoTensors("it takes a timer");
DOPPIO_OP_ROW(TimerGetAndEnd).NoTensors("it takes a timer");
DOPPIO_OP_ROW(TimerGet).NoTensors("it takes a timer");
DOPPIO_OP_ROW(AveragePut).NoTensors("it writes to the registry of the process");
DOPPIO_OP_ROW(IncrementPut).NoTensors("it writes to the registry of the process");
DOPPIO_OP_ROW(StdDevPut).NoTensors("it writes to the registry of the process");

DOPPIO_OP_ROW(Free).NoTensors("its outputs hold nothing").InferenceOpen("nothing has no shape");
DOPPIO_OP_ROW(FeedBlob).NoTensors("it makes a string").InferenceOpen("it has no shape");
DOPPIO_OP_ROW(GetAllBlobNames)
    .NoTensors("it says what is in the workspace")
    .InferenceOpen("the sizes are those of a run");
DOPPIO_OP_ROW(EstimateAllBlobSizes)
    .NoTensors("it says what is in the workspace")
    .InferenceOpen("the sizes are those of a run");

// B has rows like those of A, or A has none.
DOPPIO_OP_ROW(Append)
    .Case([](CaseMaker& c) {
      const DataType type =
          c.ValueType({DataType::kFloat, DataType::kInt64, DataType::kString, DataType::kBool});
      Dims dims = c.Shape(1);
      c.Input("A", c.Random(type, dims));
      dims[0] = c.Size();
      c.Input("B", c.Random(type, dims));
      c.Output("A");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& a = c.in(0);
      Dims dims(a.dims().begin(), a.dims().end());
      dims[0] += c.in(1).dim(0);
      const int64_t rows = a.dim(0);
      if (a.Is<std::string>()) {
        std::vector<std::string> all(a.span<std::string>().begin(), a.span<std::string>().end());
        for (const std::string& text : c.in(1).span<std::string>()) all.push_back(text);
        return {*Tensor::FromSpan<std::string>(dims, all)};
      }
      return {Generate(a.dtype(), dims, [&](const Dims& index) {
        if (index[0] < rows) return At(a, index);
        Dims in_b = index;
        in_b[0] -= rows;
        return At(c.in(1), in_b);
      })};
    })
    .NeverScalar("they have rows")
    .MayAllocate("A grows");

}  // namespace
}  // namespace doppio
