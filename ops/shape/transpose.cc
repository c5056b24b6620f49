#include "src/kernel/transpose.h"

#include <vector>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/shape/copying.h"

namespace doppio {
namespace {

using Axes = absl::InlinedVector<int, 8>;

// `axes` as a permutation of x's dimensions; the reversal where it is empty.
absl::StatusOr<Axes> Permutation(DimsView x, const std::vector<int64_t>& axes) {
  const int rank = static_cast<int>(x.size());
  Axes permutation(rank);
  if (axes.empty()) {
    for (int i = 0; i < rank; ++i) permutation[i] = rank - 1 - i;
    return permutation;
  }
  uint64_t seen = 0;  // a bit for each axis: kMaxRank of them
  bool good = static_cast<int>(axes.size()) == rank;
  for (int i = 0; good && i < rank; ++i) {
    good = axes[i] >= 0 && axes[i] < rank && (seen >> axes[i] & 1) == 0;
    if (!good) break;
    seen |= uint64_t{1} << axes[i];
    permutation[i] = static_cast<int>(axes[i]);
  }
  if (good) return permutation;
  if (static_cast<int>(axes.size()) > kMaxRank) {
    return absl::InvalidArgumentError(
        absl::StrCat(axes.size(), " axes are given for ", ShapeToString(x)));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "axes ", ShapeToString(axes), " are no permutation of the dimensions of ", ShapeToString(x)));
}

Dims Permuted(DimsView x, const Axes& axes) {
  Dims y(x.size());
  for (size_t i = 0; i < y.size(); ++i) y[i] = x[axes[i]];
  return y;
}

DOPPIO_OPERATOR_SCHEMA(Transpose)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc(R"DOC(
Exchanges dimensions: dimension i of Y is dimension axes[i] of X.

Example: X [1,2,3] gives Y [3,2,1]; with axes = [1,0,2] it gives Y [2,1,3].
)DOC")
    .OptionalArg<std::vector<int64_t>>("axes", "a permutation of X's dimensions; default: reversed")
    .Input(0, "X", "tensor of any type and shape")
    .Output(0, "Y", "tensor of X's type, with its dimensions exchanged")
    .Flops(NoFlops)
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const std::vector<int64_t> axes = context->GetRepeatedArgument<int64_t>("axes");
      DOPPIO_ASSIGN_OR_RETURN(const Axes permutation, Permutation(context->dims(0), axes));
      context->SetOutput(0, context->dtype(0), Permuted(context->dims(0), permutation));
      return absl::OkStatus();
    });

template <class Context>
class TransposeOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit TransposeOp(OperatorInit* init)
      : Operator<Context>(init), axes_(init->GetRepeatedArgument<int64_t>("axes")) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const Axes axes, Permutation(x.dims(), axes_));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), Permuted(x.dims(), axes)));
    if (x.Is<std::string>()) {
      Transpose(x.data<std::string>(), x.dims(), axes, y->mutable_data<std::string>(), &context_);
    } else {
      Transpose(DataTypeSize(x.dtype()), x.raw_data(), x.dims(), axes, y->raw_mutable_data(),
                &context_);
    }
    return absl::OkStatus();
  }

 private:
  std::vector<int64_t> axes_;
};

class GetTransposeGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  // The arguments are forward's own, but `axes` inverted.
  bool CopyArguments() const override { return false; }
  std::vector<OperatorDef> GetGradientDefs() override {
    std::vector<OperatorDef> ops = SingleGradientDef("Transpose", "", {GO(0)}, {GI(0)});
    *ops[0].mutable_arg() = Def().arg();
    for (Argument& arg : *ops[0].mutable_arg()) {
      if (arg.name() == "axes") Invert(&arg);
    }
    return ops;
  }

  void Invert(Argument* axes) {
    const google::protobuf::RepeatedField<int64_t> forward = axes->ints();
    for (int i = 0; i < forward.size(); ++i) {
      if (forward[i] < 0 || forward[i] >= forward.size()) {
        Fail(absl::InvalidArgumentError(
            absl::StrCat("axis ", forward[i], " is out of range for ", forward.size(), " axes")));
        return;
      }
      axes->set_ints(static_cast<int>(forward[i]), i);
    }
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Transpose, TransposeOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(Transpose, GetTransposeGradient);

}  // namespace
}  // namespace doppio
