#ifndef DOPPIO_OPS_NN_GROUP_NORM_OPERATOR_H_
#define DOPPIO_OPS_NN_GROUP_NORM_OPERATOR_H_

// What GroupNorm and InstanceNorm have in common. `Arguments` read those of the operator: they have
// `epsilon`, and Shape(x, gamma, beta) checks these shapes and makes them a GroupShape.

#include "doppio/operator.h"
#include "doppio/schema.h"
#include "ops/nn/channel_order.h"
#include "ops/nn/same_types.h"
#include "src/kernel/group_norm.h"

namespace doppio {

// Of X, gamma and beta: Y, and the mean and the inverse standard deviation of every group.
template <class Arguments>
absl::Status InferGroupNorm(const Arguments& args, InferenceContext* context) {
  DOPPIO_RETURN_IF_ERROR(CheckSameTypes(*context));
  DOPPIO_ASSIGN_OR_RETURN(const GroupShape shape,
                          args.Shape(context->dims(0), context->dims(1), context->dims(2)));
  context->SetOutput(0, context->dtype(0), context->dims(0));
  context->SetOutput(1, context->dtype(0), {shape.view.outer, shape.groups});
  context->SetOutput(2, context->dtype(0), {shape.view.outer, shape.groups});
  return absl::OkStatus();
}

// The second and third output may be missing.
template <class Context, class Arguments>
class GroupNormOperator : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit GroupNormOperator(OperatorInit* init) : Operator<Context>(init), args_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_RETURN_IF_ERROR(CheckSameTypes(*this));
    DOPPIO_ASSIGN_OR_RETURN(const GroupShape shape,
                            args_.Shape(x.dims(), Input(1).dims(), Input(2).dims()));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), x.dims()));
      DOPPIO_ASSIGN_OR_RETURN(T* const mean, Statistics<T>(1, shape, &mean_));
      DOPPIO_ASSIGN_OR_RETURN(T* const inv_std, Statistics<T>(2, shape, &inv_std_));
      DOPPIO_ASSIGN_OR_RETURN(T* const room, Room<T>(&room_, shape.room()));
      GroupStatistics(x.data<T>(), shape, args_.epsilon, mean, inv_std, room, &context_);
      GroupNorm(x.data<T>(), shape, mean, inv_std, Input(1).template data<T>(),
                Input(2).template data<T>(), y->mutable_data<T>(), room, &context_);
      return absl::OkStatus();
    });
  }

 protected:
  const Arguments args_;

 private:
  // A number of each group: an output, or `own` where that is missing.
  template <typename T>
  absl::StatusOr<T*> Statistics(int output, const GroupShape& shape, Tensor* own) {
    if (OutputSize() <= output) return Room<T>(own, shape.count());
    DOPPIO_ASSIGN_OR_RETURN(Tensor * tensor, Output(output, DataTypeOf<T>::value,
                                                    Dims{shape.view.outer, shape.groups}));
    return tensor->mutable_data<T>();
  }

  Tensor mean_;
  Tensor inv_std_;
  Tensor room_;
};

// X, gamma and beta are the inputs from kX on, dY is input kDy; inputs 4 and 5 are the mean and the
// inverse standard deviation, which are computed again where they are missing.
template <class Context, class Arguments, int kX, int kDy>
class GroupNormGradientOperator final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit GroupNormGradientOperator(OperatorInit* init) : Operator<Context>(init), args_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(kX);
    DOPPIO_RETURN_IF_ERROR(CheckSameTypes(*this));
    DOPPIO_ASSIGN_OR_RETURN(const GroupShape shape,
                            args_.Shape(x.dims(), Input(kX + 1).dims(), Input(kX + 2).dims()));
    if (Input(kDy).dims() != x.dims()) {
      return absl::InvalidArgumentError(
          absl::StrCat("dY ", DescribeInput(kDy), " must have the shape of X ", DescribeInput(kX)));
    }
    for (int i = 4; i < InputSize(); ++i) {
      if (Input(i).numel() == shape.count()) continue;
      return absl::InvalidArgumentError(
          absl::StrCat(DescribeInput(i), " must be [", shape.view.outer, ",", shape.groups, "]"));
    }
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) {
      return Differentiate<typename decltype(tag)::type>(shape);
    });
  }

 private:
  template <typename T>
  absl::Status Differentiate(const GroupShape& shape) {
    const DataType type = DataTypeOf<T>::value;
    DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, type, Input(kX).dims()));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * dgamma, Output(1, type, Input(kX + 1).dims()));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * dbeta, Output(2, type, Input(kX + 2).dims()));
    DOPPIO_ASSIGN_OR_RETURN(T* const room, Room<T>(&room_, shape.room()));
    const T* x = Input(kX).template data<T>();
    const T* mean = nullptr;
    const T* inv_std = nullptr;
    if (InputSize() < 6) {
      DOPPIO_ASSIGN_OR_RETURN(T* const own_mean, Room<T>(&mean_, shape.count()));
      DOPPIO_ASSIGN_OR_RETURN(T* const own_inv_std, Room<T>(&inv_std_, shape.count()));
      GroupStatistics(x, shape, args_.epsilon, own_mean, own_inv_std, room, &context_);
      mean = own_mean;
      inv_std = own_inv_std;
    } else {
      mean = Input(4).template data<T>();
      inv_std = Input(5).template data<T>();
    }
    GroupNormGradient(Input(kDy).template data<T>(), x, shape, mean, inv_std,
                      Input(kX + 1).template data<T>(), dx->mutable_data<T>(),
                      dgamma->mutable_data<T>(), dbeta->mutable_data<T>(), room, &context_);
    return absl::OkStatus();
  }

  const Arguments args_;
  Tensor mean_;
  Tensor inv_std_;
  Tensor room_;
};

}  // namespace doppio

#endif  // DOPPIO_OPS_NN_GROUP_NORM_OPERATOR_H_
