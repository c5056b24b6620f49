#include "ops/dataset/tree_cursor.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "doppio/serialize.h"
#include "ops/dataset/field_inputs.h"
#include "src/operator/movable_blob.h"

namespace doppio {

DOPPIO_REGISTER_BLOB_TYPE(TreeCursor);
DOPPIO_REGISTER_MOVABLE_BLOB(TreeCursor);

namespace {

// --- Files: the names of the fields in the content, a space behind each, and where the cursor
// stands as a tensor, under Caffe2's name of the type. ---

constexpr char kTypeInFiles[] = "std::unique_ptr<TreeCursor>";

absl::Status Serialize(const Blob& blob, absl::string_view name, const SerializeOptions&,
                       const BlobSink& sink) {
  const std::shared_ptr<TreeCursor::State> state = blob.Get<TreeCursor>()->state;
  if (state == nullptr) return absl::FailedPreconditionError("the cursor was never made");
  BlobProto proto;
  proto.set_name(std::string(name));
  proto.set_type(kTypeInFiles);
  for (int i = 0; i < state->tree.size(); ++i) {
    const std::string& field = state->tree.name(i);
    if (field.empty() || absl::StrContains(field, ' ')) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the name of ", state->tree.Describe(i),
          " is empty or has a space in it, and so the cursor can not be written to a file"));
    }
    absl::StrAppend(proto.mutable_content(), field, " ");
  }
  const std::lock_guard<std::mutex> held(state->mutex);
  if (!state->offsets.empty()) {
    DOPPIO_ASSIGN_OR_RETURN(
        Tensor offsets,
        Tensor::Create(DataType::kInt64, {static_cast<int64_t>(state->offsets.size())}));
    std::copy(state->offsets.begin(), state->offsets.end(), offsets.mutable_data<int64_t>());
    DOPPIO_ASSIGN_OR_RETURN(*proto.mutable_tensor(), TensorToProto(offsets, name));
  }
  return sink(std::string(name), std::move(proto));
}

absl::Status Deserialize(absl::Span<const BlobProto> chunks, const Limits& limits, Blob* blob) {
  if (chunks.size() != 1) return absl::InvalidArgumentError("a cursor must be one message");
  std::vector<std::string> names = absl::StrSplit(chunks[0].content(), ' ', absl::SkipEmpty());
  DOPPIO_ASSIGN_OR_RETURN(RecordTree tree, RecordTree::Create(std::move(names)));
  auto state = std::make_shared<TreeCursor::State>(std::move(tree));
  if (chunks[0].has_tensor()) {
    DOPPIO_ASSIGN_OR_RETURN(const Tensor offsets, TensorFromProto(chunks[0].tensor(), limits));
    const int levels = state->tree.level_count();
    if (!offsets.Is<int64_t>() || (offsets.numel() != levels && offsets.numel() != 0)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "a cursor over ", levels, " levels must have an int64 offset for each, but has ",
          offsets.TypeAndShape()));
    }
    for (const int64_t offset : offsets.span<int64_t>()) {
      if (offset < 0) {
        return absl::InvalidArgumentError(absl::StrCat("a cursor has the offset ", offset));
      }
      state->offsets.push_back(offset);
    }
  }
  blob->GetMutable<TreeCursor>()->state = std::move(state);
  return absl::OkStatus();
}

[[maybe_unused]] const absl::Status kRegistered =
    RegisterBlobSerializer(typeid(TreeCursor), {kTypeInFiles, Serialize, Deserialize});

// --- Operators. ---

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
