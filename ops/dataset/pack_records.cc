#include <memory>
#include <utility>
#include <vector>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/dataset/field_inputs.h"
#include "src/operator/element_copy.h"
#include "src/operator/movable_blob.h"
#include "src/operator/packed_records.h"

namespace doppio {
namespace {

DOPPIO_REGISTER_BLOB_TYPE(PackedRecords);
DOPPIO_REGISTER_MOVABLE_BLOB(PackedRecords);

DOPPIO_OPERATOR_SCHEMA(PackRecords)
    .NumInputs(1, OpSchema::kMany)
    .NumOutputs(1)
    .Doc(R"DOC(
Takes records in columns (CreateTreeCursor says how names of fields tell where records end) apart, and
puts them into one blob, record by record. UnPackRecords makes the columns of it again.

In Caffe2 the packed records are a tensor; here they are a value of their own type, which UnPackRecords and
ReservoirSampling read and queues pass on, and `pack_to_single_shared_ptr` makes no difference.

Example: fields ["tags:lengths", "tags:values"] with [2,1] and [1,2,3] are packed into the records
([2], [1,2]) and ([1], [3]).
)DOC")
    .OptionalArg<std::vector<std::string>>("fields", "names of the inputs")
    .Arg<int64_t>("pack_to_single_shared_ptr", "accepted, and of no effect", 0)
    .Input(0, "field_0", "rows of the first field; the other fields follow")
    .Output(0, "packed", "the records, which are no tensor");

template <class Context>
class PackRecordsOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit PackRecordsOp(OperatorInit* init)
      : Operator<Context>(init), tree_(FieldsArgument(init)) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const RecordFields fields, FieldInputs(*this, 0, &tree_));
    auto records =
        std::make_shared<std::vector<std::vector<Tensor>>>(static_cast<size_t>(fields.records()));
    LevelCounts begin(tree_.level_count(), 0);
    for (std::vector<Tensor>& record : *records) {
      DOPPIO_ASSIGN_OR_RETURN(const LevelCounts sizes, fields.Sizes(begin, 1));
      record.resize(tree_.size());
      for (int i = 0; i < tree_.size(); ++i) {
        const int level = tree_.level(i);
        DOPPIO_ASSIGN_OR_RETURN(record[i],
                                CopyOfRows(fields.tensor(i), begin[level], sizes[level]));
      }
      for (int k = 0; k < tree_.level_count(); ++k) begin[k] += sizes[k];
    }
    OutputBlob(0)->template GetMutable<PackedRecords>()->records = std::move(records);
    return absl::OkStatus();
  }

 private:
  RecordTree tree_;
};

DOPPIO_OPERATOR_SCHEMA(UnPackRecords)
    .NumInputs(1, OpSchema::kMany)
    .NumOutputs(1, OpSchema::kMany)
    .AllowAnyInput(0)
    .Doc(R"DOC(
The columns of records that PackRecords packed: of each field the rows of all records. Inputs after the
first, one for each field, give type and shape where there is no record to tell them; only their number
of rows does not matter. An input that is a tensor is copied.

Example: the records ([2], [1,2]) and ([1], [3]) of the fields ["tags:lengths", "tags:values"] give
[2,1] and [1,2,3].
)DOC")
    .OptionalArg<std::vector<std::string>>("fields", "names of the outputs")
    .Input(0, "packed", "records, made by PackRecords")
    .Input(1, "prototype_0",
           "(optional) type and shape of the first field; the other fields follow")
    .Output(0, "field_0", "rows of the first field; the other fields follow");

template <class Context>
class UnPackRecordsOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit UnPackRecordsOp(OperatorInit* init)
      : Operator<Context>(init),
        field_count_(static_cast<int>(init->GetRepeatedArgument<std::string>("fields").size())) {}

  absl::Status RunOnDevice() override {
    if (const Tensor* tensor = InputBlob(0).template Get<Tensor>()) return Copy(*tensor);
    const PackedRecords* packed = InputBlob(0).template Get<PackedRecords>();
    if (packed == nullptr || packed->records == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("packed ", DescribeInput(0),
                                                     " must be records that PackRecords packed, "
                                                     "but holds ",
                                                     InputBlob(0).TypeName()));
    }
    if (field_count_ != OutputSize() || (InputSize() > 1 && InputSize() != field_count_ + 1)) {
      return absl::InvalidArgumentError(
          absl::StrCat("there are ", field_count_, " names of fields, ", OutputSize(),
                       " outputs and ", InputSize() - 1,
                       " prototypes; there must be as many outputs, and no or as many "
                       "prototypes"));
    }
    // A value of its own: another run may replace the blob's.
    const std::shared_ptr<const std::vector<std::vector<Tensor>>> records = packed->records;
    if (records->empty() && InputSize() == 1) {
      return absl::InvalidArgumentError(
          "there are no records, and no prototypes that tell types and shapes of the fields");
    }
    for (const std::vector<Tensor>& record : *records) {
      if (static_cast<int>(record.size()) == field_count_) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          "a record has ", record.size(), " fields, but there are ", field_count_, " names"));
    }
    for (int i = 0; i < field_count_; ++i) DOPPIO_RETURN_IF_ERROR(UnpackField(i, *records));
    return absl::OkStatus();
  }

 private:
  absl::Status Copy(const Tensor& tensor) {
    if (InputSize() != 1 || OutputSize() != 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("packed ", DescribeInput(0),
                       " is a tensor, which is copied to a single output, but "
                       "there are ",
                       InputSize(), " inputs and ", OutputSize(), " outputs"));
    }
    if (tensor.dtype() == DataType::kUndefined) {
      return absl::FailedPreconditionError(
          absl::StrCat("packed ", DescribeInput(0), " has no value yet"));
    }
    DOPPIO_ASSIGN_OR_RETURN(Tensor * out, Output(0, tensor.dtype(), tensor.dims()));
    ElementCopy(tensor, out)(0, 0, tensor.numel());
    return absl::OkStatus();
  }

  absl::Status UnpackField(int i, const std::vector<std::vector<Tensor>>& records) {
    const Tensor& like = InputSize() > 1 ? Input(i + 1) : records[0][i];
    if (like.rank() == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("the prototype of field ", i, " is a scalar, which has no rows"));
    }
    int64_t rows = 0;
    for (const std::vector<Tensor>& record : records) {
      const Tensor& part = record[i];
      if (part.dtype() != like.dtype() ||
          DimsView(part.dims()).subspan(1) != DimsView(like.dims()).subspan(1)) {
        return absl::InvalidArgumentError(
            absl::StrCat("field ", i, " of a record is ", part.TypeAndShape(), ", but should be ",
                         like.TypeAndShape(), " except for the number of rows"));
      }
      if (__builtin_add_overflow(rows, part.dim(0), &rows)) {
        return absl::OutOfRangeError(absl::StrCat("field ", i, " has more rows than int64 holds"));
      }
    }
    DOPPIO_ASSIGN_OR_RETURN(Tensor * out, Output(i, like.dtype(), RowsDims(like, rows)));
    int64_t to = 0;
    for (const std::vector<Tensor>& record : records) {
      ElementCopy(record[i], out)(0, to, record[i].numel());
      to += record[i].numel();
    }
    return absl::OkStatus();
  }

  int field_count_;
};

DOPPIO_REGISTER_CPU_OPERATOR(PackRecords, PackRecordsOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(PackRecords);
DOPPIO_REGISTER_CPU_OPERATOR(UnPackRecords, UnPackRecordsOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(UnPackRecords);

}  // namespace
}  // namespace doppio
