#include <algorithm>
#include <cmath>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

// What a logarithm or power is taken of counts as at least this much.
constexpr double kLeast = 1e-6;

absl::Status CheckColumns(absl::string_view name, DataType dtype, DimsView dims, DataType wanted,
                          int64_t columns) {
  if (dtype == wanted && SizeFromDim(dims, 0) == columns) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(name, " ", DataTypeName(dtype), ShapeToString(dims), " must be ", columns,
                   " of ", DataTypeName(wanted), ", one for each column of data"));
}

DOPPIO_OPERATOR_SCHEMA(BatchBoxCox)
    .NumInputs(3)
    .NumOutputs(1)
    .AllowInplace({{0, 0}})
    .Doc(R"DOC(
The transformation of Box and Cox, with parameters for each column j of a matrix. With
x = max(data[i, j] + lambda2[j], 1e-6),

  output[i, j] = ln(x) where lambda1[j] is 0, else (x^lambda1[j] - 1) / lambda1[j]

Example: data [2,2] = [[1,2],[1,-9]], lambda1 [2] = [0,2] and lambda2 [2] = [0,1] give output [2,2] =
[[0,4],[0,-0.5]].
)DOC")
    .Arg<int>("min_block_size", "accepted for old nets; has no effect", 256)
    .Input(0, "data", "tensor of float or double; dimensions from the second on are the columns")
    .Input(1, "lambda1", "tensor of data's type, an element for each column")
    .Input(2, "lambda2", "likewise")
    .Output(0, "output", "tensor of data's type and shape")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 4 * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const DimsView data = context->dims(0);
      DOPPIO_RETURN_IF_ERROR(CheckNotScalar(data, "data"));
      const int64_t columns = SizeFromDim(data, 1);
      for (int i = 1; i < 3; ++i) {
        DOPPIO_RETURN_IF_ERROR(CheckColumns(i == 1 ? "lambda1" : "lambda2", context->dtype(i),
                                            context->dims(i), context->dtype(0), columns));
      }
      context->SetOutput(0, context->dtype(0), data);
      return absl::OkStatus();
    });

// (x^lambda - 1) / lambda, exact where x^lambda is near 1.
double BoxCox(double x, double lambda) {
  const double power = lambda * std::log(x);
  if (std::abs(power) < 1) return std::expm1(power) / lambda;
  return (std::pow(x, lambda) - 1) / lambda;
}

template <class Context>
class BatchBoxCoxOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit BatchBoxCoxOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& data = Input(0);
    DOPPIO_RETURN_IF_ERROR(CheckNotScalar(data.dims(), "data"));
    const int64_t columns = SizeFromDim(data.dims(), 1);
    for (int i = 1; i < 3; ++i) {
      DOPPIO_RETURN_IF_ERROR(CheckColumns(i == 1 ? "lambda1" : "lambda2", Input(i).dtype(),
                                          Input(i).dims(), data.dtype(), columns));
    }
    return DispatchType(TypeList<float, double>(), data.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, data.dtype(), data.dims()));
      const T* in = Input(0).template data<T>();
      const T* lambda1 = Input(1).template data<T>();
      const T* lambda2 = Input(2).template data<T>();
      T* out = output->mutable_data<T>();
      constexpr int64_t kGrain = 1 << 9;
      ParallelFor(output->numel(), kGrain, [=](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const int64_t j = i % columns;
          const double lambda = static_cast<double>(lambda1[j]);
          const double sum = static_cast<double>(in[i]) + static_cast<double>(lambda2[j]);
          const double x = std::max(sum, kLeast);  // which NaN passes
          out[i] = static_cast<T>(lambda == 0 ? std::log(x) : BoxCox(x, lambda));
        }
      });
      return absl::OkStatus();
    });
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(BatchBoxCox, BatchBoxCoxOp<CPUContext>);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(BatchBoxCox);

}  // namespace
}  // namespace doppio
