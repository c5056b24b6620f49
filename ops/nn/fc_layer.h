#ifndef DOPPIO_OPS_NN_FC_LAYER_H_
#define DOPPIO_OPS_NN_FC_LAYER_H_

// What fully connected layers have in common: their arguments, their sizes and their schemas.

#include "doppio/operator.h"
#include "doppio/registry.h"

namespace doppio {

struct FcArguments {
  explicit FcArguments(ArgumentReader* args)
      : axis(args->GetSingleArgument<int>("axis")),
        axis_w(args->GetSingleArgument<int>("axis_w")) {}

  int axis;
  int axis_w;
};

// X is [m,k]; W is [n,k], or [k,n] where `transposed`.
struct FcSizes {
  int64_t m;
  int64_t n;
  int64_t k;
  int axis;
};

// InvalidArgument where X and W do not fit.
absl::StatusOr<FcSizes> FcSizesOf(const FcArguments& args, bool transposed, DimsView x, DimsView w);
absl::StatusOr<Dims> FcOutputShape(const FcSizes& sizes, DimsView x);
absl::Status CheckFcBias(const FcSizes& sizes, DimsView b);
// X, W and the bias have one type.
absl::Status CheckFcTypes(const InferenceContext& context);
absl::Status CheckFcTypes(const OperatorBase& op, const Tensor& x, const Tensor& w,
                          const Tensor& b);

OpSchema& StateFcArguments(OpSchema& schema);
// All of a forward operator but its documentation.
OpSchema& StateFc(OpSchema& schema, bool transposed);

}  // namespace doppio

#endif  // DOPPIO_OPS_NN_FC_LAYER_H_
