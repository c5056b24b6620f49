#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/channel_softmax.h"
#include "src/operator/storage_order.h"

namespace doppio {
namespace {

void StateArguments(OpSchema& schema) {
  schema.Arg<int>("num_classes", "channels of each group", 81)
      .Arg<std::string>("order", "NCHW; there is no other", "NCHW")
      .NumOutputs(1)
      .IdenticalTypeAndShape()
      .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
        return 4 * SizeFromDim(*inputs[0].dims, 0);
      });
}

DOPPIO_OPERATOR_SCHEMA(GroupSpatialSoftmax)
    .NumInputs(1)
    .FillUsing(StateArguments)
    .Doc(R"DOC(
Softmax of groups of channels, at each position of a feature map: of A anchors with num_classes
scores each (RetinaNet: Lin and others, 2017). Each group of probabilities adds up to 1.

Example: scores [1,4,1,1] = [[[[0]],[[0]],[[0]],[[1.098612]]]] and num_classes 2 give probabilities
[1,4,1,1] = [[[[0.5]],[[0.5]],[[0.25]],[[0.75]]]].
)DOC")
    .Input(0, "scores", "[N,C,H,W] of float or double, C being a multiple of num_classes")
    .Output(0, "probabilities", "of the same shape and type");

DOPPIO_OPERATOR_SCHEMA(GroupSpatialSoftmaxGradient)
    .NumInputs(2)
    .FillUsing(StateArguments)
    .Doc("The gradient of GroupSpatialSoftmax: dX = P (dP - sum(P dP)), summed over a group.")
    .Input(0, "probabilities", "output of GroupSpatialSoftmax, P")
    .Input(1, "d_probabilities", "its gradient, of the same type and shape")
    .Output(0, "d_scores", "gradient of the scores");

struct GroupSizes {
  int64_t groups;
  int64_t positions;
};

struct GroupArguments {
  explicit GroupArguments(ArgumentReader* args)
      : classes(args->GetSingleArgument<int>("num_classes")) {
    if (ReadStorageOrder(args) == StorageOrder::kNHWC) {
      args->Fail(absl::UnimplementedError("GroupSpatialSoftmax is there for the order NCHW alone"));
    }
    if (classes < 1) {
      args->Fail(absl::InvalidArgumentError(
          absl::StrCat("num_classes is ", classes, ", must be at least 1")));
    }
  }

  absl::StatusOr<GroupSizes> Split(DimsView dims) const {
    if (dims.size() != 4 || dims[1] % classes != 0) {
      return absl::InvalidArgumentError(absl::StrCat("scores must be [N,A*", classes,
                                                     ",H,W] for some number A of groups, but are ",
                                                     ShapeToString(dims)));
    }
    return GroupSizes{SizeToDim(dims, 2) / classes, SizeFromDim(dims, 2)};
  }

  int64_t classes;
};

template <class Context>
class GroupSpatialSoftmaxOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit GroupSpatialSoftmaxOp(OperatorInit* init) : Operator<Context>(init), args_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const GroupSizes sizes, args_.Split(x.dims()));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), x.dims()));
      ChannelSoftmax(x.data<T>(), sizes.groups, args_.classes, sizes.positions,
                     y->mutable_data<T>());
      return absl::OkStatus();
    });
  }

 private:
  const GroupArguments args_;
};

template <class Context>
class GroupSpatialSoftmaxGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit GroupSpatialSoftmaxGradientOp(OperatorInit* init)
      : Operator<Context>(init), args_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& y = Input(0);
    const Tensor& dy = Input(1);
    if (y.dtype() != dy.dtype() || y.dims() != dy.dims()) {
      return absl::InvalidArgumentError(absl::StrCat("probabilities ", DescribeInput(0),
                                                     " and their gradient ", DescribeInput(1),
                                                     " must have the same type and shape"));
    }
    DOPPIO_ASSIGN_OR_RETURN(const GroupSizes sizes, args_.Split(y.dims()));
    return DispatchType(TypeList<float, double>(), y.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, y.dtype(), y.dims()));
      ChannelSoftmaxGradient(y.data<T>(), dy.data<T>(), sizes.groups, args_.classes,
                             sizes.positions, dx->mutable_data<T>());
      return absl::OkStatus();
    });
  }

 private:
  const GroupArguments args_;
};

class GetGroupSpatialSoftmaxGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("GroupSpatialSoftmaxGradient", "", {O(0), GO(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(GroupSpatialSoftmax, GroupSpatialSoftmaxOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(GroupSpatialSoftmaxGradient,
                             GroupSpatialSoftmaxGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(GroupSpatialSoftmax, GetGroupSpatialSoftmaxGradient);

}  // namespace
}  // namespace doppio
