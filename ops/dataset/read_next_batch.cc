#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/dataset/field_inputs.h"
#include "ops/dataset/tree_cursor.h"
#include "src/operator/element_copy.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(ReadNextBatch)
    .NumInputs(1, OpSchema::kMany)
    .NumOutputs(1, OpSchema::kMany)
    .AllowAnyInput(0)
    .Doc(R"DOC(
The next records that a cursor (CreateTreeCursor) stands before, as a tensor for each field; the cursor
goes on behind them. At the end there are fewer of them, and then none: tensors with 0 rows. Threads may
read with one cursor at the same time; each record is given to one of them.

Fields of one level should have the same number of rows; what some have more is not read. Lengths that
are negative, or go past the end of what they count, are an error, and the cursor stays where it is.

Example: a cursor of ["tags:lengths", "tags:values"], tags:lengths [2,1,0], tags:values [1,2,3] and
`batch_size` 2 give [2,1] and [1,2,3]; once more, [0] and [].
)DOC")
    .Arg<int64_t>("batch_size", "most records to read, at least 1", 1)
    .Arg<bool>("enforce_batch_size",
               "give no records at all where fewer than batch_size are left; these are lost", false)
    .Input(0, "cursor", "a cursor, made by CreateTreeCursor")
    .Input(1, "dataset_field_0", "all rows of the first field; the other fields follow")
    .Output(0, "field_0", "rows of the first field; the other fields follow")
    .HasSideEffects();

template <class Context>
class ReadNextBatchOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ReadNextBatchOp(OperatorInit* init)
      : Operator<Context>(init),
        batch_size_(init->GetSingleArgument<int64_t>("batch_size")),
        enforce_batch_size_(init->GetSingleArgument<bool>("enforce_batch_size")) {
    if (batch_size_ < 1) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("batch_size is ", batch_size_, ", must be at least 1")));
    }
    if (InputSize() != OutputSize() + 1) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("there must be an output for each field, but there are ", InputSize() - 1,
                       " fields and ", OutputSize(), " outputs")));
    }
  }

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const std::shared_ptr<TreeCursor::State> cursor, CursorInput(*this));
    DOPPIO_ASSIGN_OR_RETURN(const RecordFields fields, FieldInputs(*this, 1, &cursor->tree));
    LevelCounts begin;
    LevelCounts sizes;
    {
      const std::lock_guard<std::mutex> held(cursor->mutex);
      begin = cursor->offsets;
      if (begin.empty()) begin.assign(cursor->tree.level_count(), 0);
      DOPPIO_ASSIGN_OR_RETURN(sizes, fields.Sizes(begin, batch_size_));
      LevelCounts end(begin);
      for (size_t k = 0; k < end.size(); ++k) end[k] += sizes[k];
      cursor->offsets = std::move(end);
    }
    if (enforce_batch_size_ && sizes[0] < batch_size_) sizes.assign(sizes.size(), 0);
    for (int i = 0; i < cursor->tree.size(); ++i) {
      const Tensor& field = fields.tensor(i);
      const int level = cursor->tree.level(i);
      DOPPIO_ASSIGN_OR_RETURN(Tensor * batch,
                              Output(i, field.dtype(), RowsDims(field, sizes[level])));
      const int64_t block = SizeFromDim(field.dims(), 1);
      ElementCopy(field, batch)(begin[level] * block, 0, sizes[level] * block);
    }
    return absl::OkStatus();
  }

 private:
  int64_t batch_size_;
  bool enforce_batch_size_;
};

DOPPIO_REGISTER_CPU_OPERATOR(ReadNextBatch, ReadNextBatchOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(ReadNextBatch);

}  // namespace
}  // namespace doppio
