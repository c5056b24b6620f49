#include "ops/nn/fc_layer.h"

#include <utility>

#include "src/dnn/gemm.h"

namespace doppio {

absl::StatusOr<FcSizes> FcSizesOf(const FcArguments& args, bool transposed, DimsView x,
                                  DimsView w) {
  DOPPIO_ASSIGN_OR_RETURN(int axis, CanonicalAxis(args.axis, static_cast<int>(x.size())));
  DOPPIO_ASSIGN_OR_RETURN(int axis_w, CanonicalAxis(args.axis_w, static_cast<int>(w.size())));
  int64_t n = SizeToDim(w, axis_w);
  int64_t k = SizeFromDim(w, axis_w);
  if (transposed) std::swap(n, k);
  const FcSizes sizes{SizeToDim(x, axis), n, SizeFromDim(x, axis), axis};
  if (sizes.k != k) {
    return absl::InvalidArgumentError(absl::StrCat("X ", ShapeToString(x), " has ", sizes.k,
                                                   " features from dimension ", axis, " on, but W ",
                                                   ShapeToString(w), " is for ", k));
  }
  return sizes;
}

absl::StatusOr<Dims> FcOutputShape(const FcSizes& sizes, DimsView x) {
  Dims dims(x.begin(), x.begin() + sizes.axis);
  dims.push_back(sizes.n);
  DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
  return dims;
}

absl::Status CheckFcBias(const FcSizes& sizes, DimsView b) {
  if (b.size() == 1 && b[0] == sizes.n) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the bias must be a vector of W's ", sizes.n,
                                                 " outputs, but is ", ShapeToString(b)));
}

absl::Status CheckFcTypes(const InferenceContext& context) {
  for (int i = 1; i < 3; ++i) {
    if (context.dtype(i) == context.dtype(0)) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "the inputs must have the same type, but input 0 is ", DataTypeName(context.dtype(0)),
        " and input ", i, " is ", DataTypeName(context.dtype(i))));
  }
  return absl::OkStatus();
}

absl::Status CheckFcTypes(const OperatorBase& op, const Tensor& x, const Tensor& w,
                          const Tensor& b) {
  if (x.dtype() == w.dtype() && x.dtype() == b.dtype()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the inputs must have the same type, but are ",
                                                 op.DescribeInput(0), ", ", op.DescribeInput(1),
                                                 " and ", op.DescribeInput(2)));
}

OpSchema& StateFcArguments(OpSchema& schema) {
  return schema.Arg<int>("axis", "the first dimension of X that counts as a feature", 1)
      .Arg<int>("axis_w", "the first dimension of W that counts as a column", 1)
      .OptionalArg<bool>("float16_compute", "accepted and ignored");
}

OpSchema& StateFc(OpSchema& schema, bool transposed) {
  return StateFcArguments(schema)
      .NumInputs(3)
      .NumOutputs(1)
      .Input(0, "X",
             "tensor of float or double, read as a matrix [M,K]: dimensions before `axis` "
             "are rows")
      .Input(1, "W",
             transposed ? "weights of X's type, read as a matrix [K,N]"
                        : "weights of X's type, read as a matrix [N,K]")
      .Input(2, "b", "vector of N, of X's type")
      .Output(0, "Y", "X's dimensions before `axis`, and then N")
      .MultiplyAdds(
          [transposed](const OperatorDef& def, const std::vector<TensorInfo>& inputs, const auto&) {
            InferenceContext context(def, OpSchemaRegistry::Schema(def.type()), {});
            const auto sizes =
                FcSizesOf(FcArguments(&context), transposed, *inputs[0].dims, *inputs[1].dims);
            return sizes.ok() ? GemmMultiplyAdds(sizes->m, sizes->n, sizes->k) : 0;
          })
      .TensorInference([transposed](InferenceContext* context) -> absl::Status {
        // Weights that are laid out tell their shape where they are, and nowhere else.
        if (context->dtype(1) == DataType::kUndefined) return absl::OkStatus();
        DOPPIO_ASSIGN_OR_RETURN(FcSizes sizes, FcSizesOf(FcArguments(context), transposed,
                                                         context->dims(0), context->dims(1)));
        DOPPIO_RETURN_IF_ERROR(CheckFcTypes(*context));
        DOPPIO_RETURN_IF_ERROR(CheckFcBias(sizes, context->dims(2)));
        DOPPIO_ASSIGN_OR_RETURN(Dims dims, FcOutputShape(sizes, context->dims(0)));
        context->SetOutput(0, context->dtype(0), dims);
        return absl::OkStatus();
      });
}

}  // namespace doppio
