#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/dataset/append_rows.h"
#include "src/operator/mutex.h"
#include "src/operator/shared_state.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(Append)
    .NumInputs(2)
    .NumOutputs(1)
    .EnforceInplace({{0, 0}})
    .Doc(R"DOC(
Puts the rows of B at the end of A. An A without rows, of whatever type and shape, becomes a copy of B.

Example: A = [1,2] and B = [3] give [1,2,3].
)DOC")
    .Input(0, "A", "tensor of any type, at least a vector")
    .Input(1, "B", "tensor of A's type, and its shape but for the first dimension")
    .Output(0, "A", "the first input with the rows of both")
    .HasSideEffects()
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; })
    .TensorInference([](InferenceContext* context) {
      const DimsView a = context->dims(0);
      const DimsView b = context->dims(1);
      if (b.empty() || a.empty()) {
        return absl::InvalidArgumentError("A and B must be at least vectors");
      }
      if (a[0] == 0) {
        context->SetOutput(0, context->dtype(1), b);
        return absl::OkStatus();
      }
      Dims dims(a.begin(), a.end());
      if (b[0] > std::numeric_limits<int64_t>::max() - dims[0]) {
        return absl::InvalidArgumentError("A and B have more rows than int64 counts");
      }
      dims[0] += b[0];
      context->SetOutput(0, context->dtype(0), dims);
      return absl::OkStatus();
    });

DOPPIO_OPERATOR_SCHEMA(AtomicAppend)
    .NumInputs(3, OpSchema::kMany)
    .NumOutputs(1, OpSchema::kMany)
    .AllowAnyInplace()
    .AllowAnyInput(OpSchema::kMany)
    .Doc(R"DOC(
Appends to several tensors while it holds a lock: the rows of B0 to A0, of B1 to A1, and so on. All are
appended, or none: nothing changes where one does not fit. Output i must be the blob of Ai, unless that
has no rows.

Example: (mutex, A0, B0) with A0 = [1,2] and B0 = [3] give [1,2,3].
)DOC")
    .Input(0, "mutex",
           "a lock, made by CreateMutex; then as many A as there are outputs, and as many B")
    .Input(1, "A", "tensors of any type, at least vectors")
    .Input(2, "B", "tensors of the types of A, and their shapes but for the first dimension")
    .Output(0, "A", "the tensors A with the rows of both")
    .HasSideEffects();

template <class Context>
class AppendOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit AppendOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_RETURN_IF_ERROR(CheckAppendRows(Input(0), "A", Input(1), "B"));
    return AppendRows(Input(1), OutputBlob(0)->template GetMutable<Tensor>());
  }
};

template <class Context>
class AtomicAppendOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit AtomicAppendOp(OperatorInit* init) : Operator<Context>(init) {
    const int count = OutputSize();
    if (InputSize() != 1 + 2 * count) {
      init->Fail(absl::InvalidArgumentError(absl::StrCat(
          "with ", count, " outputs there must be ", 1 + 2 * count,
          " inputs: a lock, as many tensors as outputs, and as many again; but there are ",
          InputSize())));
      return;
    }
    for (int o = 0; o < count; ++o) {
      for (int i = 0; i < InputSize(); ++i) {
        if (i == 1 + o || !IsInplace(i, o)) continue;
        init->Fail(absl::InvalidArgumentError(
            absl::StrCat("output ", o, " may be input ", 1 + o, " only, but is input ", i)));
      }
    }
  }

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(Mutex * lock, SharedState<Mutex>(*this, 0, kMutexFromCreateMutex));
    const std::lock_guard<std::mutex> held(lock->mutex);
    const int count = OutputSize();
    for (int i = 0; i < count; ++i) {
      DOPPIO_ASSIGN_OR_RETURN(const Tensor* base, TensorInput(1 + i));
      DOPPIO_ASSIGN_OR_RETURN(const Tensor* rows, TensorInput(1 + count + i));
      DOPPIO_RETURN_IF_ERROR(CheckAppendRows(*base, this->def().input(1 + i), *rows,
                                             this->def().input(1 + count + i)));
      if (!HasNoRows(*base) && !IsInplace(1 + i, i)) {
        return absl::InvalidArgumentError(absl::StrCat(
            "output ", i, " must be ", DescribeInput(1 + i), ", as that has rows already"));
      }
    }
    for (int i = 0; i < count; ++i) {
      const Tensor& rows = *InputBlob(1 + count + i).template Get<Tensor>();
      Tensor* output = OutputBlob(i)->template GetMutable<Tensor>();
      if (!IsInplace(1 + i, i)) output->Reset();
      DOPPIO_RETURN_IF_ERROR(AppendRows(rows, output));
    }
    return absl::OkStatus();
  }

 private:
  absl::StatusOr<const Tensor*> TensorInput(int i) const {
    const Tensor* tensor = InputBlob(i).template Get<Tensor>();
    if (tensor != nullptr) return tensor;
    return absl::InvalidArgumentError(
        absl::StrCat("input ", i, " must be a tensor, but is ", DescribeInput(i)));
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Append, AppendOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(AtomicAppend, AtomicAppendOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(Append);
DOPPIO_SHOULD_NOT_DO_GRADIENT(AtomicAppend);

}  // namespace
}  // namespace doppio
