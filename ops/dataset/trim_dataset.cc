#include <utility>
#include <vector>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/dataset/field_inputs.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(CheckDatasetConsistency)
    .NumInputs(1, OpSchema::kMany)
    .NumOutputs(0)
    .Doc(R"DOC(
Fails unless the inputs are records in columns (see CreateTreeCursor): fields of one level have the same
number of rows, and lengths, none of them negative, sum to the number of rows of what they count.

Example: fields ["tags:lengths", "tags:values"] with [2,1] and [1,2,3] are records; [2,1] and [1,2]
are none.
)DOC")
    .OptionalArg<std::vector<std::string>>("fields", "names of the inputs")
    .Input(0, "field_0", "rows of the first field; the other fields follow")
    .HasSideEffects();

template <class Context>
class CheckDatasetConsistencyOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit CheckDatasetConsistencyOp(OperatorInit* init)
      : Operator<Context>(init), tree_(FieldsArgument(init)) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const RecordFields fields, FieldInputs(*this, 0, &tree_));
    std::vector<int> first(tree_.level_count(), -1);  // field of each level
    for (int i = 0; i < tree_.size(); ++i) {
      int& other = first[tree_.level(i)];
      if (other < 0) other = i;
      if (fields.tensor(i).dim(0) != fields.tensor(other).dim(0)) {
        return absl::InvalidArgumentError(absl::StrCat(
            tree_.Describe(i), " has ", fields.tensor(i).dim(0), " rows, but ",
            tree_.Describe(other), " of the same level has ", fields.tensor(other).dim(0)));
      }
    }
    DOPPIO_ASSIGN_OR_RETURN(const LevelCounts sizes,
                            fields.Sizes(LevelCounts(tree_.level_count(), 0), fields.records()));
    for (int k = 1; k < tree_.level_count(); ++k) {
      if (first[k] < 0 || sizes[k] == fields.rows(k)) continue;
      return absl::InvalidArgumentError(
          absl::StrCat(tree_.Describe(tree_.lengths_field(k)), " sums to ", sizes[k], ", but ",
                       tree_.Describe(first[k]), " has ", fields.rows(k), " rows"));
    }
    return absl::OkStatus();
  }

 private:
  RecordTree tree_;
};

DOPPIO_OPERATOR_SCHEMA(TrimDataset)
    .NumInputs(1, OpSchema::kMany)
    .NumOutputs(1, OpSchema::kMany)
    .EnforceOneToOneInplace()
    .Doc(R"DOC(
Drops records (see CreateTreeCursor) at the end, so that a multiple of `multiple_of` of them is left.

Example: fields ["tags:lengths", "tags:values"] with [2,1,1] and [1,2,3,4], and `multiple_of` 2, become
[2,1] and [1,2,3].
)DOC")
    .OptionalArg<std::vector<std::string>>("fields", "names of the inputs")
    .Arg<int64_t>("multiple_of", "what the number of records is to be a multiple of", 1)
    .Input(0, "field_0", "rows of the first field; the other fields follow")
    .Output(0, "field_0", "rows of the first field; the other fields follow");

template <class Context>
class TrimDatasetOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit TrimDatasetOp(OperatorInit* init)
      : Operator<Context>(init),
        tree_(FieldsArgument(init)),
        multiple_of_(init->GetSingleArgument<int64_t>("multiple_of")) {
    if (multiple_of_ < 1) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("multiple_of is ", multiple_of_, ", must be at least 1")));
    }
    if (InputSize() != OutputSize()) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("every field is an output too, but there are ", InputSize(), " inputs and ",
                       OutputSize(), " outputs")));
    }
  }

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const RecordFields fields, FieldInputs(*this, 0, &tree_));
    const int64_t surplus = fields.records() % multiple_of_;
    if (surplus == 0) return absl::OkStatus();
    DOPPIO_ASSIGN_OR_RETURN(
        const LevelCounts sizes,
        fields.Sizes(LevelCounts(tree_.level_count(), 0), fields.records() - surplus));
    // All or nothing.
    std::vector<Tensor> trimmed(tree_.size());
    for (int i = 0; i < tree_.size(); ++i) {
      DOPPIO_ASSIGN_OR_RETURN(trimmed[i], CopyOfRows(fields.tensor(i), 0, sizes[tree_.level(i)]));
    }
    for (int i = 0; i < tree_.size(); ++i) SetOutput(i, std::move(trimmed[i]));
    return absl::OkStatus();
  }

 private:
  RecordTree tree_;
  int64_t multiple_of_;
};

DOPPIO_REGISTER_CPU_OPERATOR(CheckDatasetConsistency, CheckDatasetConsistencyOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(CheckDatasetConsistency);
DOPPIO_REGISTER_CPU_OPERATOR(TrimDataset, TrimDatasetOp<CPUContext>);
DOPPIO_NO_GRADIENT(TrimDataset);

}  // namespace
}  // namespace doppio
