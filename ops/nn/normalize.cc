#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"
#include "ops/nn/same_types.h"
#include "ops/nn/scaled_norm.h"

namespace doppio {
namespace {

// A norm below this counts as this much.
constexpr double kLeastNorm = 1e-12;

// X as lines along one dimension: element j of line (i, k) stands at (i * size + j) * inner + k.
struct Lines {
  int64_t outer;
  int64_t size;
  int64_t inner;

  // Calls body(where the line begins) for every line, on several threads.
  template <typename Body>
  void ForEach(Body body) const {
    if (size == 0) return;  // there may be more lines than a number can hold
    ParallelFor(outer * inner, (1 << 14) / size + 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) body(i / inner * size * inner + i % inner);
    });
  }
};

absl::StatusOr<Lines> LinesOf(int axis, DimsView x) {
  DOPPIO_ASSIGN_OR_RETURN(const int at, CanonicalAxis(axis, static_cast<int>(x.size())));
  return Lines{SizeToDim(x, at), x[at], SizeFromDim(x, at + 1)};
}

// What a line is divided by.
struct L2 {
  template <typename T>
  static ScaledNorm Divisor(const T* x, const Lines& lines) {
    const ScaledNorm norm = NormOf<SumOfSquares>(x, lines.size, lines.inner);
    return norm.product() < kLeastNorm ? ScaledNorm{1, kLeastNorm} : norm;
  }
};
struct L1 {
  template <typename T>
  static ScaledNorm Divisor(const T* x, const Lines& lines) {
    const ScaledNorm norm = NormOf<SumOfMagnitudes>(x, lines.size, lines.inner);
    return norm.norm == 0 ? ScaledNorm{1, 1} : norm;
  }
};

void StateAxis(OpSchema& schema) {
  schema.Arg<int>("axis", "the dimension along which norms are taken; may count from the back", -1)
      .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
        return 3 * SizeFromDim(*inputs[0].dims, 0);
      })
      .TensorInference([](InferenceContext* context) -> absl::Status {
        const int axis = context->GetSingleArgument<int>("axis");
        DOPPIO_RETURN_IF_ERROR(CheckSameTypes(*context));
        DOPPIO_RETURN_IF_ERROR(LinesOf(axis, context->dims(0)).status());
        context->SetOutput(0, context->dtype(0), context->dims(0));
        return absl::OkStatus();
      });
}

void StateNormalize(OpSchema& schema) {
  schema.NumInputs(1)
      .NumOutputs(1)
      .FillUsing(StateAxis)
      .Input(0, "X", "tensor of float or double, at least a vector")
      .Output(0, "Y", "tensor of X's type and shape");
}

DOPPIO_OPERATOR_SCHEMA(Normalize).FillUsing(StateNormalize).Doc(R"DOC(
Divides X along one dimension by its Euclidean norm there: Y = X / max(sqrt(sum(X^2)), 1e-12).

Example: X [2,2] = [[3,4],[0,0]] gives Y [2,2] = [[0.6,0.8],[0,0]].
)DOC");

DOPPIO_OPERATOR_SCHEMA(NormalizeL1).FillUsing(StateNormalize).Doc(R"DOC(
Divides X along one dimension by the sum of the magnitudes there: Y = X / sum(|X|). Where that sum is
0, Y is 0 (Caffe2 then leaves Y as it was).

Example: X [2,2] = [[1,-3],[0,0]] gives Y [2,2] = [[0.25,-0.75],[0,0]].
)DOC");

template <class Context, class Norm>
class NormalizeOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit NormalizeOp(OperatorInit* init)
      : Operator<Context>(init), axis_(init->GetSingleArgument<int>("axis")) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const Lines lines, LinesOf(axis_, x.dims()));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), x.dims()));
      const T* in = x.data<T>();
      T* out = y->mutable_data<T>();
      lines.ForEach([=](int64_t start) {
        const ScaledNorm divisor = Norm::Divisor(in + start, lines);
        for (int64_t j = 0; j < lines.size; ++j) {
          const int64_t at = start + j * lines.inner;
          out[at] = static_cast<T>(static_cast<double>(in[at]) / divisor.scale / divisor.norm);
        }
      });
      return absl::OkStatus();
    });
  }

 private:
  const int axis_;
};

DOPPIO_OPERATOR_SCHEMA(NormalizeGradient)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
The gradient of Normalize: dX = (dY - Y * sum(Y * dY)) / norm, the sum being along `axis`. Where the
norm is below 1e-12, Normalize divides by a constant and dX = dY / 1e-12, from which Caffe2 subtracts
the sum all the same.
)DOC")
    .FillUsing(StateAxis)
    .Input(0, "X", "the input of Normalize")
    .Input(1, "dY", "gradient of its output, of X's type and shape")
    .Output(0, "dX", "gradient of X");

template <class Context>
class NormalizeGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit NormalizeGradientOp(OperatorInit* init)
      : Operator<Context>(init), axis_(init->GetSingleArgument<int>("axis")) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& dy = Input(1);
    DOPPIO_RETURN_IF_ERROR(CheckSameTypes(*this));
    if (dy.dims() != x.dims()) {
      return absl::InvalidArgumentError(
          absl::StrCat("dY ", DescribeInput(1), " must have the shape of X ", DescribeInput(0)));
    }
    DOPPIO_ASSIGN_OR_RETURN(const Lines lines, LinesOf(axis_, x.dims()));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, x.dtype(), x.dims()));
      const T* in = x.data<T>();
      const T* gradient = dy.data<T>();
      T* out = dx->mutable_data<T>();
      lines.ForEach([=](int64_t start) {
        const ScaledNorm norm = L2::Divisor(in + start, lines);
        const auto normal = [&](int64_t at) {
          return static_cast<double>(in[at]) / norm.scale / norm.norm;
        };
        double dot = 0;
        for (int64_t j = 0; j < lines.size && norm.product() != kLeastNorm; ++j) {
          const int64_t at = start + j * lines.inner;
          dot += normal(at) * static_cast<double>(gradient[at]);
        }
        for (int64_t j = 0; j < lines.size; ++j) {
          const int64_t at = start + j * lines.inner;
          const double rest = static_cast<double>(gradient[at]) - normal(at) * dot;
          out[at] = static_cast<T>(rest / norm.scale / norm.norm);
        }
      });
      return absl::OkStatus();
    });
  }

 private:
  const int axis_;
};

class GetNormalizeGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("NormalizeGradient", "", {I(0), GO(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Normalize, NormalizeOp<CPUContext, L2>);
DOPPIO_REGISTER_CPU_OPERATOR(NormalizeL1, NormalizeOp<CPUContext, L1>);
DOPPIO_REGISTER_CPU_OPERATOR(NormalizeGradient, NormalizeGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(Normalize, GetNormalizeGradient);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(NormalizeL1);

}  // namespace
}  // namespace doppio
