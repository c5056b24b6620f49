// ReduceFrontMax and ReduceBackMax.

#include "doppio/parallel.h"
#include "ops/reduce/front_back.h"
#include "src/kernel/reduce_extreme.h"

namespace doppio {
namespace {

constexpr int64_t kGrain = 32768;  // elements that are worth a thread

absl::Status CheckHasLargest(const FrontBackReduction::Shape& shape, const int32_t* lengths) {
  for (int64_t i = 0; i < shape.vectors; ++i) {
    if ((lengths == nullptr ? shape.length : lengths[i]) > 0) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("vector ", i, " of X has no elements to choose from"));
  }
  return absl::OkStatus();
}

// Types of the forward operator; more of the schema is shared with the sums.
void StateMax(OpSchema& schema, bool front) {
  StateFrontBackReduction(schema, front);
  schema.Input(0, "X", "tensor of float or double");
}

DOPPIO_OPERATOR_SCHEMA(ReduceFrontMax)
    .FillUsing([](OpSchema& schema) { StateMax(schema, true); })
    .Doc(R"DOC(
The largest element of X over its first dimensions; NaN wins. There must be one: no length may be 0,
for which Caffe2 gives the first element all the same.

Example: X [2,3] = [[1,5,2],[4,1,8]] gives Y [3] = [4,5,8]; with lengths [2,1,1] it gives [4,5,2].
)DOC");

DOPPIO_OPERATOR_SCHEMA(ReduceBackMax)
    .FillUsing([](OpSchema& schema) { StateMax(schema, false); })
    .Doc(R"DOC(
The largest element of X over its last dimensions; NaN wins. There must be one: no length may be 0, for
which Caffe2 gives the first element all the same.

Example: X [2,3] = [[1,5,2],[4,1,8]] gives Y [2] = [5,8]; with lengths [1,2] it gives [1,4].
)DOC");

template <class Context, bool kFront>
class FrontBackMaxOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit FrontBackMaxOp(OperatorInit* init) : Operator<Context>(init), reduction_(kFront, init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const FrontBackReduction::Shape shape, reduction_.Of(x.dims()));
    const int32_t* lengths = nullptr;
    if (InputSize() > 1) {
      DOPPIO_RETURN_IF_ERROR(reduction_.CheckLengths(Input(1), shape));
      lengths = Input(1).template data<int32_t>();
    }
    DOPPIO_RETURN_IF_ERROR(CheckHasLargest(shape, lengths));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), shape.output));
      const T* from = x.data<T>();
      T* to = y->mutable_data<T>();
      if (lengths == nullptr) {
        const Dims kept = kFront ? Dims{1, shape.columns} : Dims{shape.rows, 1};
        return ReduceExtremeTo<true>(from, {shape.rows, shape.columns}, to, kept);
      }
      if (shape.vectors == 0) return absl::OkStatus();
      ParallelFor(shape.vectors, kGrain / shape.length + 1, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          T most = from[i * shape.stride];
          for (int64_t j = 1; j < lengths[i]; ++j) {
            const T value = from[i * shape.stride + j * shape.step];
            if (value > most || value != value) most = value;
          }
          to[i] = most;
        }
      });
      return absl::OkStatus();
    });
  }

 private:
  const FrontBackReduction reduction_;
};

void StateMaxGradient(OpSchema& schema) {
  schema.NumInputs(3, 4)
      .NumOutputs(1)
      .Arg<int>("num_reduce_dim", "as given to the forward operator", 1)
      .Input(0, "dY", "gradient of the forward operator's output")
      .Input(1, "X", "its input: float or double")
      .Input(2, "Y", "its output")
      .Input(3, "lengths", "its lengths")
      .Output(0, "dX", "gradient of X")
      .IdenticalTypeAndShapeOfInput(1);
}

DOPPIO_OPERATOR_SCHEMA(ReduceFrontMaxGradient)
    .FillUsing(StateMaxGradient)
    .Doc(
        "The gradient of ReduceFrontMax: an element that counted and is as large as its column's Y "
        "gets the dY of it, all others 0.");

DOPPIO_OPERATOR_SCHEMA(ReduceBackMaxGradient)
    .FillUsing(StateMaxGradient)
    .Doc(
        "The gradient of ReduceBackMax: an element that counted and is as large as its row's Y "
        "gets "
        "the dY of it, all others 0.");

template <class Context, bool kFront>
class FrontBackMaxGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit FrontBackMaxGradientOp(OperatorInit* init)
      : Operator<Context>(init), reduction_(kFront, init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(1);
    DOPPIO_ASSIGN_OR_RETURN(const FrontBackReduction::Shape shape, reduction_.Of(x.dims()));
    for (const int i : {0, 2}) {
      if (Input(i).numel() == shape.vectors && Input(i).dtype() == x.dtype()) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          DescribeInput(i), " must be ", ShapeToString(shape.output), " for X ", DescribeInput(1)));
    }
    const int32_t* lengths = nullptr;
    if (InputSize() > 3) {
      DOPPIO_RETURN_IF_ERROR(reduction_.CheckLengths(Input(3), shape));
      lengths = Input(3).template data<int32_t>();
    }
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, x.dtype(), x.dims()));
      if (dx->numel() == 0) return absl::OkStatus();
      const T* gradient = Input(0).template data<T>();
      const T* value = x.data<T>();
      const T* most = Input(2).template data<T>();
      T* to = dx->mutable_data<T>();
      ParallelFor(shape.rows, kGrain / shape.columns + 1, [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) {
          for (int64_t column = 0; column < shape.columns; ++column) {
            const int64_t vector = kFront ? column : row;
            const int64_t place = kFront ? row : column;
            const int64_t at = row * shape.columns + column;
            const bool counts = lengths == nullptr || place < lengths[vector];
            to[at] = counts && value[at] == most[vector] ? gradient[vector] : T(0);
          }
        }
      });
      return absl::OkStatus();
    });
  }

 private:
  const FrontBackReduction reduction_;
};

class GetFrontBackMaxGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    std::vector<std::string> inputs = {GO(0), I(0), O(0)};
    if (InputSize() == 2) inputs.push_back(I(1));
    return SingleGradientDef(Def().type() + "Gradient", "", inputs, {GI(0)});
  }
};

using FrontMaxOp = FrontBackMaxOp<CPUContext, true>;
using BackMaxOp = FrontBackMaxOp<CPUContext, false>;
using FrontMaxGradientOp = FrontBackMaxGradientOp<CPUContext, true>;
using BackMaxGradientOp = FrontBackMaxGradientOp<CPUContext, false>;
DOPPIO_REGISTER_CPU_OPERATOR(ReduceFrontMax, FrontMaxOp);
DOPPIO_REGISTER_CPU_OPERATOR(ReduceBackMax, BackMaxOp);
DOPPIO_REGISTER_CPU_OPERATOR(ReduceFrontMaxGradient, FrontMaxGradientOp);
DOPPIO_REGISTER_CPU_OPERATOR(ReduceBackMaxGradient, BackMaxGradientOp);
DOPPIO_REGISTER_GRADIENT(ReduceFrontMax, GetFrontBackMaxGradient);
DOPPIO_REGISTER_GRADIENT(ReduceBackMax, GetFrontBackMaxGradient);

}  // namespace
}  // namespace doppio
