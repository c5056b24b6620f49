#include <limits>
#include <mutex>
#include <random>
#include <vector>

#include "doppio/gradient_maker.h"
#include "doppio/random_engine.h"
#include "doppio/registry.h"
#include "ops/dataset/append_rows.h"
#include "src/operator/shared_state.h"

namespace doppio {
namespace {

struct TensorVector {
  std::mutex mutex;
  std::vector<Tensor> tensors;
};

DOPPIO_REGISTER_BLOB_TYPE(TensorVector);

constexpr char kVectorInput[] = "a list of tensors, made by CreateTensorVector";

DOPPIO_OPERATOR_SCHEMA(CreateTensorVector)
    .NumInputs(0)
    .NumOutputs(1)
    .Doc(R"DOC(
Makes an empty list of tensors, a blob that is no tensor. A list that is there already loses what is in
it.

Example: TensorVectorSize then gives 0.
)DOC")
    .Output(0, "tensor_vector", "the list")
    .HasSideEffects();

DOPPIO_OPERATOR_SCHEMA(TensorVectorSize)
    .NumInputs(1)
    .NumOutputs(1)
    .AllowAnyInput(0)
    .Doc(R"DOC(
How many tensors a list has.

Example: a list into which CollectTensor put 2 tensors gives 2.
)DOC")
    .Input(0, "tensor_vector", kVectorInput)
    .Output(0, "size", "scalar of int32")
    .ScalarType(DataType::kInt32)
    .HasSideEffects();

DOPPIO_OPERATOR_SCHEMA(ConcatTensorVector)
    .NumInputs(1)
    .NumOutputs(1)
    .AllowAnyInput(0)
    .Doc(R"DOC(
The rows of all tensors of a list, one after another. There must be one at least.

Example: a list of [1,2] and [3] gives [1,2,3].
)DOC")
    .Input(0, "tensor_vector", kVectorInput)
    .Output(0, "tensor", "tensor of the type of those in the list")
    .HasSideEffects();

DOPPIO_OPERATOR_SCHEMA(CollectTensor)
    .NumInputs(2, OpSchema::kMany)
    .NumOutputs(1, OpSchema::kMany)
    .EnforceOneToOneInplace()
    .AllowAnyInput(OpSchema::kMany)
    .Doc(R"DOC(
Keeps num_to_collect of all the tensors that it is given from run to run, each with the same probability:
the first ones are put into the list; the one of run n, counted from 1, takes the place of one of
them with probability num_to_collect / n. Where there are several lists, all of them get or leave
their tensor of a run, in the same place.

A random_seed in the device option makes the choice repeatable.

Example: after two runs with num_to_collect = 2 and [1,2], then [3], the list has [1,2] and [3].
)DOC")
    .RequiredArg<int>("num_to_collect", "how many tensors a list has at most, at least 1")
    .Input(0, "tensor_vector", "lists of tensors, made by CreateTensorVector; then as many tensors")
    .Input(1, "tensor", "tensors of any type, one for each list")
    .Output(0, "tensor_vector", "the lists")
    .HasSideEffects();

absl::StatusOr<TensorVector*> VectorInput(const OperatorBase& op, int i) {
  return SharedState<TensorVector>(op, i, "a list that CreateTensorVector made");
}

template <class Context>
class CreateTensorVectorOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit CreateTensorVectorOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    TensorVector* vector = OutputBlob(0)->template GetMutable<TensorVector>();
    const std::lock_guard<std::mutex> held(vector->mutex);
    vector->tensors.clear();
    return absl::OkStatus();
  }
};

template <class Context>
class TensorVectorSizeOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit TensorVectorSizeOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(TensorVector * vector, VectorInput(*this, 0));
    const std::lock_guard<std::mutex> held(vector->mutex);
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, DataType::kInt32, {}));
    *output->template mutable_data<int32_t>() = static_cast<int32_t>(vector->tensors.size());
    return absl::OkStatus();
  }
};

template <class Context>
class ConcatTensorVectorOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ConcatTensorVectorOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(TensorVector * vector, VectorInput(*this, 0));
    const std::lock_guard<std::mutex> held(vector->mutex);
    if (vector->tensors.empty()) {
      return absl::FailedPreconditionError(
          absl::StrCat("the list \"", this->def().input(0), "\" has no tensors"));
    }
    const Tensor& first = vector->tensors[0];
    int64_t rows = 0;
    for (size_t i = 0; i < vector->tensors.size(); ++i) {
      const Tensor& tensor = vector->tensors[i];
      DOPPIO_RETURN_IF_ERROR(CheckSameRows(first, "the first", tensor, absl::StrCat("tensor ", i)));
      if (tensor.dim(0) > std::numeric_limits<int64_t>::max() - rows) {
        return absl::InvalidArgumentError("the tensors have more rows than int64 counts");
      }
      rows += tensor.dim(0);
    }
    Dims dims(first.dims().begin(), first.dims().end());
    dims[0] = rows;
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, first.dtype(), dims));
    int64_t done = 0;
    for (const Tensor& tensor : vector->tensors) {
      ElementCopy(tensor, output)(0, done, tensor.numel());
      done += tensor.numel();
    }
    return absl::OkStatus();
  }
};

template <class Context>
class CollectTensorOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit CollectTensorOp(OperatorInit* init)
      : Operator<Context>(init), wanted_(init->GetSingleArgument<int>("num_to_collect")) {
    if (wanted_ < 1) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("num_to_collect must be at least 1, but is ", wanted_)));
    }
    if (InputSize() != 2 * OutputSize()) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("with ", OutputSize(), " outputs there must be ", 2 * OutputSize(),
                       " inputs, lists and as many tensors, but there are ", InputSize())));
    }
  }

  absl::Status RunOnDevice() override {
    const int lists = OutputSize();
    for (int i = 0; i < lists; ++i) DOPPIO_RETURN_IF_ERROR(CheckInputs(i));
    // The place that the tensors take; wanted_ or more: none.
    int64_t place = runs_;
    if (runs_ >= wanted_) {
      place = std::uniform_int_distribution<int64_t>(0, runs_)(context_.RandomGenerator());
    }
    ++runs_;
    if (place >= wanted_) return absl::OkStatus();
    for (int i = 0; i < lists; ++i) {
      TensorVector* vector = OutputBlob(i)->template GetMutable<TensorVector>();
      const Tensor& tensor = *InputBlob(lists + i).template Get<Tensor>();
      const std::lock_guard<std::mutex> held(vector->mutex);
      if (place < static_cast<int64_t>(vector->tensors.size())) {
        DOPPIO_RETURN_IF_ERROR(vector->tensors[static_cast<size_t>(place)].CopyFrom(tensor));
      } else {
        DOPPIO_RETURN_IF_ERROR(vector->tensors.emplace_back().CopyFrom(tensor));
      }
    }
    return absl::OkStatus();
  }

 private:
  absl::Status CheckInputs(int i) const {
    DOPPIO_ASSIGN_OR_RETURN(TensorVector * vector, VectorInput(*this, i));
    const std::lock_guard<std::mutex> held(vector->mutex);
    if (runs_ >= wanted_ && vector->tensors.size() != static_cast<size_t>(wanted_)) {
      return absl::FailedPreconditionError(
          absl::StrCat("the list \"", this->def().input(i), "\" has ", vector->tensors.size(),
                       " tensors after ", runs_, " runs, but must have ", wanted_));
    }
    const Tensor* tensor = InputBlob(OutputSize() + i).template Get<Tensor>();
    if (tensor != nullptr && tensor->dtype() != DataType::kUndefined) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("input ", OutputSize() + i,
                                                   " must be a tensor with a value, but is ",
                                                   DescribeInput(OutputSize() + i)));
  }

  const int64_t wanted_;
  int64_t runs_ = 0;
};

DOPPIO_REGISTER_CPU_OPERATOR(CreateTensorVector, CreateTensorVectorOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(TensorVectorSize, TensorVectorSizeOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(ConcatTensorVector, ConcatTensorVectorOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(CollectTensor, CollectTensorOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(CreateTensorVector);
DOPPIO_SHOULD_NOT_DO_GRADIENT(TensorVectorSize);
DOPPIO_SHOULD_NOT_DO_GRADIENT(ConcatTensorVector);
DOPPIO_SHOULD_NOT_DO_GRADIENT(CollectTensor);

}  // namespace
}  // namespace doppio
