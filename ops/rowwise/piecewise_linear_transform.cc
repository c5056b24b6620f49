#include <algorithm>
#include <cmath>
#include <vector>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

// One function for each column that is transformed, of as many pieces each.
struct Functions {
  int64_t count = 0;
  int64_t pieces = 0;
  absl::Span<const float> bounds;
  absl::Span<const float> slopes;
  absl::Span<const float> intercepts;
};

// A function has a bound more than it has pieces, which tells how many functions there are.
absl::StatusOr<Functions> MakeFunctions(absl::Span<const float> bounds,
                                        absl::Span<const float> slopes,
                                        absl::Span<const float> intercepts) {
  const auto count = static_cast<int64_t>(bounds.size()) - static_cast<int64_t>(slopes.size());
  const bool fits = slopes.size() == intercepts.size() && count > 0 && !slopes.empty() &&
                    static_cast<int64_t>(slopes.size()) % count == 0;
  if (!fits) {
    return absl::InvalidArgumentError(absl::StrCat(
        bounds.size(), " bounds, ", slopes.size(), " slopes and ", intercepts.size(),
        " intercepts do not make functions of as many pieces each, with a bound more than pieces"));
  }
  const int64_t pieces = static_cast<int64_t>(slopes.size()) / count;
  for (size_t i = 0; i < bounds.size(); ++i) {
    const bool is_first = static_cast<int64_t>(i) % (pieces + 1) == 0;
    if (is_first ? !std::isnan(bounds[i]) : bounds[i - 1] <= bounds[i]) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("the bounds of a function must rise, but bound ", i, " is ", bounds[i],
                     is_first ? "" : absl::StrCat(" after ", bounds[i - 1])));
  }
  return Functions{count, pieces, bounds, slopes, intercepts};
}

struct Columns {
  int64_t rows;
  int64_t columns;
};

absl::StatusOr<Columns> ColumnsOf(bool binary, DimsView x) {
  if (!binary && x.size() == 2) return Columns{x[0], x[1]};
  if (binary && x.size() == 1) return Columns{x[0], 1};
  if (binary && x.size() == 2 && (x[1] == 1 || x[1] == 2)) return Columns{x[0], x[1]};
  return absl::InvalidArgumentError(absl::StrCat(
      "predictions must be ", binary ? "[N], [N,1] or [N,2], since binary is set" : "a matrix",
      ", but are ", ShapeToString(x)));
}

absl::Status CheckInputCount(int count) {
  if (count == 1 || count == 4) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "inputs must be predictions alone, or with bounds, slopes and intercepts, but are ", count));
}

DOPPIO_OPERATOR_SCHEMA(PiecewiseLinearTransform)
    .NumInputs(1, 4)
    .NumOutputs(1)
    .Doc(R"DOC(
Transforms every column of predictions by a function of its own, made of straight pieces: piece k is
Y = slopes[k] * x + intercepts[k] for bounds[k] < x <= bounds[k + 1]. What is out of bounds counts as
the bound. NaN stays NaN. The functions are given one after another, by arguments or by inputs.

With `binary` there is one function. It transforms the last column, and where there are two the first
one becomes 1 less the second.

Example: predictions [3,1] = [[-9],[1],[2]], bounds = [0,1,3], slopes = [1,10] and intercepts = [0,-9]
give [[0],[1],[11]].
)DOC")
    .OptionalArg<std::vector<float>>("bounds", "the bounds of each function's pieces, which rise")
    .OptionalArg<std::vector<float>>("slopes", "a slope for each piece")
    .OptionalArg<std::vector<float>>("intercepts", "an intercept for each piece")
    .Arg<bool>("binary", "predictions are those of two classes, of which the second counts", false)
    .Input(0, "predictions", "matrix of float; with binary [N], [N,1] or [N,2]")
    .Input(1, "bounds", "tensor of float, instead of the argument")
    .Input(2, "slopes", "likewise")
    .Input(3, "intercepts", "likewise")
    .Output(0, "transforms", "tensor of float, of the shape of predictions")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 2 * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckInputCount(context->InputSize()));
      const bool binary = context->GetSingleArgument<bool>("binary");
      DOPPIO_RETURN_IF_ERROR(ColumnsOf(binary, context->dims(0)).status());
      context->SetOutput(0, context->dtype(0), context->dims(0));
      return absl::OkStatus();
    });

template <class Context>
class PiecewiseLinearTransformOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit PiecewiseLinearTransformOp(OperatorInit* init)
      : Operator<Context>(init),
        binary_(init->GetSingleArgument<bool>("binary")),
        bounds_(init->GetRepeatedArgument<float>("bounds")),
        slopes_(init->GetRepeatedArgument<float>("slopes")),
        intercepts_(init->GetRepeatedArgument<float>("intercepts")) {
    init->Fail(CheckInputCount(InputSize()));
    if (InputSize() == 1) {
      const absl::StatusOr<Functions> functions = MakeFunctions(bounds_, slopes_, intercepts_);
      init->Fail(functions.status());
      if (functions.ok()) functions_ = *functions;
    } else if (!bounds_.empty() || !slopes_.empty() || !intercepts_.empty()) {
      init->Fail(absl::InvalidArgumentError(
          "bounds, slopes and intercepts are given as inputs and as arguments"));
    }
  }

  absl::Status RunOnDevice() override {
    for (int i = 0; i < InputSize(); ++i) {
      if (!Input(i).template Is<float>()) {
        return UnsupportedTypeError(Input(i).dtype(), {DataType::kFloat});
      }
    }
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const Columns shape, ColumnsOf(binary_, x.dims()));
    if (InputSize() == 4) {
      DOPPIO_ASSIGN_OR_RETURN(functions_, MakeFunctions(Input(1).template span<float>(),
                                                        Input(2).template span<float>(),
                                                        Input(3).template span<float>()));
    }
    const int64_t wanted = binary_ ? 1 : shape.columns;
    if (functions_.count != wanted) {
      return absl::InvalidArgumentError(absl::StrCat("predictions ", DescribeInput(0), " take ",
                                                     wanted, " functions, but there are ",
                                                     functions_.count));
    }
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), x.dims()));
    const float* in = x.data<float>();
    float* out = y->mutable_data<float>();
    constexpr int64_t kGrain = 1 << 11;
    ParallelFor(shape.rows, kGrain / shape.columns + 1, [=](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const float* from = in + i * shape.columns;
        float* to = out + i * shape.columns;
        if (!binary_) {
          for (int64_t j = 0; j < shape.columns; ++j) to[j] = Transform(j, from[j]);
        } else {
          const int64_t last = shape.columns - 1;
          to[last] = Transform(0, from[last]);
          if (last > 0) to[0] = 1 - to[last];
        }
      }
    });
    return absl::OkStatus();
  }

 private:
  // Function j of x.
  float Transform(int64_t j, float x) const {
    if (std::isnan(x)) return x;
    const float* bounds = functions_.bounds.data() + j * (functions_.pieces + 1);
    const float* end = bounds + functions_.pieces + 1;
    const float within = std::min(std::max(x, bounds[0]), end[-1]);
    // The first bound that is not below, and the piece that ends there.
    const int64_t bound = std::lower_bound(bounds, end, within) - bounds;
    // At the lowest bound, also where there are several, the first piece holds, and at the highest
    // one the last.
    const int64_t last = functions_.pieces - 1;
    const int64_t piece = x >= end[-1] && x > bounds[0] ? last : std::max<int64_t>(bound - 1, 0);
    const int64_t k = j * functions_.pieces + piece;
    return static_cast<float>(static_cast<double>(functions_.slopes[k]) * within +
                              functions_.intercepts[k]);
  }

  const bool binary_;
  const std::vector<float> bounds_;
  const std::vector<float> slopes_;
  const std::vector<float> intercepts_;
  Functions functions_;
};

DOPPIO_REGISTER_CPU_OPERATOR(PiecewiseLinearTransform, PiecewiseLinearTransformOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(PiecewiseLinearTransform);

}  // namespace
}  // namespace doppio
