#include "ops/dataset/tree_cursor.h"

#include <limits>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/dataset/field_inputs.h"
#include "src/operator/movable_blob.h"

namespace doppio {

DOPPIO_REGISTER_BLOB_TYPE(TreeCursor);
DOPPIO_REGISTER_MOVABLE_BLOB(TreeCursor);

namespace {

DOPPIO_OPERATOR_SCHEMA(CreateTreeCursor)
    .NumInputs(0)
    .NumOutputs(1)
    .Doc(R"DOC(
Makes a cursor, which stands before the first of records whose fields are tensors, one for each name
in `fields`. It holds no data: ReadNextBatch is given the tensors too. Threads may share a cursor.

A field whose name ends in ":lengths" says how many rows of the other fields that begin as it does each
row of its own level has. Lengths stand before what they count.

Example: fields ["id", "tags:lengths", "tags:values"] with id [7,8], tags:lengths [2,1] and
tags:values [1,2,3] are two records: 7 with the tags 1 and 2, and 8 with the tag 3.
)DOC")
    .OptionalArg<std::vector<std::string>>("fields", "names of the fields")
    .Output(0, "cursor", "a cursor, which is no tensor")
    .HasSideEffects();

template <class Context>
class CreateTreeCursorOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit CreateTreeCursorOp(OperatorInit* init)
      : Operator<Context>(init), tree_(FieldsArgument(init)) {}

  absl::Status RunOnDevice() override {
    OutputBlob(0)->template GetMutable<TreeCursor>()->state =
        std::make_shared<TreeCursor::State>(tree_);
    return absl::OkStatus();
  }

 private:
  RecordTree tree_;
};

DOPPIO_OPERATOR_SCHEMA(ResetCursor)
    .NumInputs(1)
    .NumOutputs(0)
    .AllowAnyInput(0)
    .Doc("Puts a cursor before the first record again. Other threads may use it meanwhile.")
    .Input(0, "cursor", "a cursor, made by CreateTreeCursor")
    .HasSideEffects();

template <class Context>
class ResetCursorOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ResetCursorOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const std::shared_ptr<TreeCursor::State> cursor, CursorInput(*this));
    const std::lock_guard<std::mutex> held(cursor->mutex);
    cursor->offsets.clear();
    return absl::OkStatus();
  }
};

DOPPIO_OPERATOR_SCHEMA(GetCursorOffset)
    .NumInputs(1)
    .NumOutputs(1)
    .AllowAnyInput(0)
    .Doc(R"DOC(
Where a cursor stands: how many records are read, and how many rows of what each field of lengths
counts, in the order of these fields. Before the first read it is an empty vector.

Example: after ReadNextBatch read one record with the fields ["tags:lengths", "tags:values"], whose
length is 2, the offsets are [1,2].
)DOC")
    .Input(0, "cursor", "a cursor, made by CreateTreeCursor")
    .Output(0, "offsets", "vector of int32")
    .HasSideEffects();

template <class Context>
class GetCursorOffsetOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit GetCursorOffsetOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const std::shared_ptr<TreeCursor::State> cursor, CursorInput(*this));
    const std::lock_guard<std::mutex> held(cursor->mutex);
    DOPPIO_ASSIGN_OR_RETURN(
        Tensor * offsets,
        Output(0, DataType::kInt32, {static_cast<int64_t>(cursor->offsets.size())}));
    int32_t* out = offsets->template mutable_data<int32_t>();
    for (int64_t offset : cursor->offsets) {
      if (offset > std::numeric_limits<int32_t>::max()) {
        return absl::OutOfRangeError(
            absl::StrCat("the cursor stands at ", offset, ", which int32 does not hold"));
      }
      *out++ = static_cast<int32_t>(offset);
    }
    return absl::OkStatus();
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(CreateTreeCursor, CreateTreeCursorOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(CreateTreeCursor);
DOPPIO_REGISTER_CPU_OPERATOR(ResetCursor, ResetCursorOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(ResetCursor);
DOPPIO_REGISTER_CPU_OPERATOR(GetCursorOffset, GetCursorOffsetOp<CPUContext>);
DOPPIO_NO_GRADIENT(GetCursorOffset);

}  // namespace
}  // namespace doppio
