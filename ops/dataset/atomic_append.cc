#include <mutex>
#include <utility>
#include <vector>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/operator/element_copy.h"
#include "src/operator/lengths_input.h"
#include "src/operator/mutex.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(AtomicAppend)
    .NumInputs(3, OpSchema::kMany)
    .NumOutputs(1, OpSchema::kMany)
    .AllowAnyInplace()
    .AllowAnyInput(OpSchema::kMany)  // looked at while the lock is held
    .Doc(R"DOC(
Appends rows to several tensors while it holds a lock: threads may append records to the same columns.
Either all columns grow, or the operator fails and none does. A tensor with 0 rows becomes what is
appended to it, of whatever type and shape.

Example: AtomicAppend(mutex, a, b, x, y) -> a, b with a [1], b [], x [2,3] and y [4] makes a [1,2,3] and
b [4].
)DOC")
    .Input(0, "mutex", "a lock, made by CreateMutex")
    .Input(1, "dataset_field_0", "first tensor to grow; the others follow")
    .Input(2, "new_field_0", "(behind all that grow) what is appended to each of them")
    .Output(0, "dataset_field_0", "the same blob as input 1; the others follow")
    .HasSideEffects();

// `to` with the rows of `more` behind its own.
absl::StatusOr<Tensor> Appended(const Tensor& to, const Tensor& more) {
  DOPPIO_RETURN_IF_ERROR(CheckNotScalar(to.dims(), "what is appended to"));
  DOPPIO_RETURN_IF_ERROR(CheckNotScalar(more.dims(), "what is appended"));
  if (to.dim(0) == 0) return more;
  if (to.dtype() != more.dtype() ||
      DimsView(to.dims()).subspan(1) != DimsView(more.dims()).subspan(1)) {
    return absl::InvalidArgumentError(absl::StrCat("rows of ", more.TypeAndShape(),
                                                   " can not be appended to ", to.TypeAndShape()));
  }
  Dims dims(to.dims().begin(), to.dims().end());
  if (__builtin_add_overflow(dims[0], more.dim(0), &dims[0])) {
    return absl::OutOfRangeError("there are more rows than int64 holds");
  }
  DOPPIO_ASSIGN_OR_RETURN(Tensor all, Tensor::Create(to.dtype(), dims));
  ElementCopy(to, &all)(0, 0, to.numel());
  ElementCopy(more, &all)(0, to.numel(), more.numel());
  return all;
}

template <class Context>
class AtomicAppendOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit AtomicAppendOp(OperatorInit* init) : Operator<Context>(init) {
    if (InputSize() != 1 + 2 * OutputSize()) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("there must be a lock and two inputs for each output, but there are ",
                       InputSize(), " inputs and ", OutputSize(), " outputs")));
      return;
    }
    for (int i = 0; i < OutputSize(); ++i) {
      if (IsInplace(i + 1, i)) continue;
      init->Fail(
          absl::InvalidArgumentError(absl::StrCat("output ", i, " must be the blob of input ",
                                                  i + 1, ", \"", this->def().input(i + 1), "\"")));
    }
  }

  absl::Status RunOnDevice() override {
    const Mutex* lock = InputBlob(0).template Get<Mutex>();
    if (lock == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(
          "mutex ", DescribeInput(0), " must be a lock that CreateMutex made, but holds ",
          InputBlob(0).TypeName()));
    }
    const std::lock_guard<std::mutex> held(lock->mutex);
    std::vector<Tensor> grown;
    for (int i = 0; i < OutputSize(); ++i) {
      for (int input : {i + 1, i + 1 + OutputSize()}) {
        const Tensor* tensor = InputBlob(input).template Get<Tensor>();
        if (tensor != nullptr && tensor->dtype() != DataType::kUndefined) continue;
        return absl::InvalidArgumentError(
            absl::StrCat(DescribeInput(input), " must be a tensor with a value"));
      }
      absl::StatusOr<Tensor> tensor = Appended(Input(i + 1), Input(i + 1 + OutputSize()));
      if (!tensor.ok()) return Annotate(tensor.status(), DescribeInput(i + 1));
      grown.push_back(*std::move(tensor));
    }
    for (int i = 0; i < OutputSize(); ++i) SetOutput(i, std::move(grown[i]));
    return absl::OkStatus();
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(AtomicAppend, AtomicAppendOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(AtomicAppend);

}  // namespace
}  // namespace doppio
