#include "absl/strings/str_format.h"
#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/storage/blob_saver.h"

namespace doppio {
namespace {

constexpr char kEvery[] = "every";

void StateCheckpoint(OpSchema& schema) {
  schema.NumInputs(1, OpSchema::kMany)
      .NumOutputs(0)
      .AllowAnyInput(OpSchema::kMany)
      .RequiredArg<std::string>(kDb, "path of the database, with the number of the iteration")
      .Arg<int>(kEvery, "iterations from one to the next, at least 1", 1)
      .FillUsing(StateArgumentsOfSaver)
      .Input(0, "iter", "int64 of one element: the number of the iteration, which is written too")
      .Input(1, "X", "blob; any number of them")
      .TensorInference([](InferenceContext*) { return absl::OkStatus(); })
      .HasSideEffects();
}

DOPPIO_OPERATOR_SCHEMA(Checkpoint).FillUsing(StateCheckpoint).Doc(R"DOC(
Save, in those iterations whose number `every` divides. `db` says what the database is called, with the
number in the place of a printf conversion such as %d or %08d; without one every database replaces the
one before.

Example: with `db` "at_%04d.minidb" and `every` 10, the iteration 20 is written to "at_0020.minidb", and
the iteration 21 is not.
)DOC");

DOPPIO_OPERATOR_SCHEMA(Snapshot).FillUsing(StateCheckpoint).Doc(R"DOC(
The older name of Checkpoint.
)DOC");

template <class Context>
class CheckpointOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit CheckpointOp(OperatorInit* init)
      : Operator<Context>(init), saver_(init), every_(init->GetSingleArgument<int>(kEvery)) {
    if (every_ < 1) {
      init->Fail(
          absl::InvalidArgumentError(absl::StrCat("every is ", every_, ", must be at least 1")));
    }
    const absl::StatusOr<std::string> name = NameOf(0);
    if (!name.ok()) init->Fail(name.status());
  }

  absl::Status RunOnDevice() override {
    const Tensor* iter = InputBlob(0).template Get<Tensor>();
    if (iter == nullptr || !iter->Is<int64_t>() || iter->numel() != 1) {
      return absl::InvalidArgumentError(absl::StrCat(
          "iter ", DescribeInput(0), " must be an int64 of one element, the iteration's number"));
    }
    const int64_t number = *iter->data<int64_t>();
    if (number % every_ != 0) return absl::OkStatus();
    DOPPIO_ASSIGN_OR_RETURN(const std::string name, NameOf(number));
    return saver_.Save(*this, name);
  }

 private:
  absl::StatusOr<std::string> NameOf(int64_t number) const {
    std::string name;
    if (absl::FormatUntyped(&name, absl::UntypedFormatSpec(saver_.db()),
                            {absl::FormatArg(number)})) {
      return name;
    }
    return absl::InvalidArgumentError(
        absl::StrCat("db is \"", saver_.db(),
                     "\"; it may have one conversion of printf, for a whole number, such as %d"));
  }

  const BlobSaver saver_;
  const int every_;
};

DOPPIO_REGISTER_CPU_OPERATOR(Checkpoint, CheckpointOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(Snapshot, CheckpointOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(Checkpoint);
DOPPIO_SHOULD_NOT_DO_GRADIENT(Snapshot);

}  // namespace
}  // namespace doppio
