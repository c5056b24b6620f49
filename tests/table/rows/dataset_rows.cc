#include <vector>

#include "tests/table/op_table.h"

namespace doppio {
namespace {

// Fields "x", "a:lengths" and "a:values": records that each have a row of x and some of a:values.
void MakeRecords(CaseMaker& c) {
  const int64_t records = c.Size();
  std::vector<int32_t> lengths;
  int64_t values = 0;
  for (int64_t i = 0; i < records; ++i) {
    lengths.push_back(static_cast<int32_t>(c.Int(0, 3)));
    values += lengths.back();
  }
  c.Arg("fields", std::vector<std::string>{"x", "a:lengths", "a:values"});
  c.Input("x", c.Random(c.OneOf({DataType::kFloat, DataType::kString}), {records, 2}));
  c.Input("a:lengths", c.Vector<int32_t>(lengths));
  c.Input("a:values", c.Random(DataType::kInt64, {values}));
}

DOPPIO_OP_ROW(CreateTreeCursor).NoTensors("it makes a cursor").InferenceOpen("no tensor");
DOPPIO_OP_ROW(ResetCursor).NoTensors("it takes a cursor").InferenceOpen("no outputs");
DOPPIO_OP_ROW(GetCursorOffset)
    .NoTensors("it takes a cursor")
    .InferenceOpen("depends on the cursor");
DOPPIO_OP_ROW(ReadNextBatch).NoTensors("it takes a cursor").InferenceOpen("depends on the cursor");
DOPPIO_OP_ROW(ReadRandomBatch).NoTensors("it takes a cursor").InferenceOpen("depends on the data");
DOPPIO_OP_ROW(ComputeOffset).NoTensors("it takes a cursor").InferenceOpen("depends on the cursor");
DOPPIO_OP_ROW(SortAndShuffle).NoTensors("it takes a cursor").InferenceOpen("depends on the cursor");
DOPPIO_OP_ROW(PackRecords).NoTensors("it makes records").InferenceOpen("no tensor");
DOPPIO_OP_ROW(UnPackRecords).NoTensors("it takes records").InferenceOpen("depends on the records");

DOPPIO_OP_ROW(CheckDatasetConsistency)
    .Case(MakeRecords)
    .Reference([](const OpCase&) -> std::vector<Tensor> { return {}; })
    .NeverScalar("fields have rows")
    .InferenceOpen("no outputs")
    .MayAllocate("lists of a few numbers");

DOPPIO_OP_ROW(TrimDataset)
    .Case([](CaseMaker& c) {
      MakeRecords(c);
      c.Arg("multiple_of", c.Int(1, 5));
      for (const char* field : {"x", "a:lengths", "a:values"}) c.Output(field);
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const int64_t multiple = c.Arg<int64_t>("multiple_of", 1);
      const int64_t records = c.in(0).dim(0) / multiple * multiple;
      int64_t values = 0;
      for (int64_t i = 0; i < records; ++i) values += c.in(1).data<int32_t>()[i];
      std::vector<Tensor> trimmed;
      for (int i = 0; i < 3; ++i) {
        const Tensor& field = c.in(i);
        Dims dims(field.dims().begin(), field.dims().end());
        dims[0] = i == 2 ? values : records;
        if (field.Is<std::string>()) {
          trimmed.push_back(*Tensor::FromSpan<std::string>(
              dims, field.span<std::string>().first(static_cast<size_t>(dims[0] * 2))));
        } else {
          trimmed.push_back(
              Generate(field.dtype(), dims, [&](const Dims& j) { return At(field, j); }));
        }
      }
      return trimmed;
    })
    .NeverScalar("fields have rows")
    .InferenceOpen("shapes depend on the lengths")
    .MayAllocate("the shorter tensors");

}  // namespace
}  // namespace doppio
