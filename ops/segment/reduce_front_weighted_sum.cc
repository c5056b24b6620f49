#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/segment.h"
#include "src/operator/shape_input.h"

namespace doppio {
namespace {

// DATA is read as a matrix of `rows`, one for each scalar.
struct FrontShape {
  int64_t rows;
  Dims row;
};

absl::StatusOr<FrontShape> ShapeOf(int64_t num_reduce_dim, DataType type, DimsView data,
                                   DataType scalar_type, DimsView scalars) {
  if (type != DataType::kFloat && type != DataType::kDouble) {
    return UnsupportedTypeError(type, {DataType::kFloat, DataType::kDouble});
  }
  const int64_t rank = static_cast<int64_t>(data.size());
  if (num_reduce_dim < 0 || num_reduce_dim > rank) {
    return absl::InvalidArgumentError(absl::StrCat("num_reduce_dim is ", num_reduce_dim,
                                                   ", but DATA ", ShapeToString(data), " has ",
                                                   rank, " dimensions"));
  }
  const int split = static_cast<int>(num_reduce_dim);
  const DimsView front = data.subspan(0, split);
  if (scalar_type != type || scalars != front) {
    return absl::InvalidArgumentError(
        absl::StrCat("SCALARS ", DataTypeName(scalar_type), ShapeToString(scalars), " must be ",
                     DataTypeName(type), ShapeToString(front), " for DATA ", ShapeToString(data)));
  }
  return FrontShape{SizeToDim(data, split), Dims(data.begin() + split, data.end())};
}

// Of the gradient's inputs SCALARS, dOUTPUT and the shape of DATA, with that shape.
absl::StatusOr<FrontShape> ShapeOfGradient(int64_t num_reduce_dim, DataType scalar_type,
                                           DimsView scalars, DataType type, DimsView dy,
                                           DimsView data) {
  DOPPIO_RETURN_IF_ERROR(NumElements(data).status());
  DOPPIO_ASSIGN_OR_RETURN(FrontShape shape,
                          ShapeOf(num_reduce_dim, type, data, scalar_type, scalars));
  if (DimsView(shape.row) != dy) {
    return absl::InvalidArgumentError(absl::StrCat("the gradient ", ShapeToString(dy), " must be ",
                                                   ShapeToString(shape.row), " for DATA ",
                                                   ShapeToString(data)));
  }
  return shape;
}

OpSchema& StateArguments(OpSchema& schema) {
  return schema.Arg<int>("num_reduce_dim", "how many of the first dimensions are reduced", 1);
}

DOPPIO_OPERATOR_SCHEMA(ReduceFrontWeightedSum)
    .NumInputs(2)
    .NumOutputs(1)
    .FillUsing([](OpSchema& schema) { StateArguments(schema); })
    .Doc(R"DOC(
The sum of DATA over its first dimensions, each of what is summed times its scalar.

Example: DATA [3,2] = [[1,2],[3,4],[5,6]] and SCALARS [1,10,2] give [41,54].
)DOC")
    .Arg<bool>("grad_on_weights", "must be 0 where a gradient is made: SCALARS get none", false)
    .Input(0, "DATA", "tensor of float or double")
    .Input(1, "SCALARS", "tensor of DATA's type: a factor for each element of those dimensions")
    .Output(0, "OUTPUT", "tensor of DATA's type without the reduced dimensions")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 2 * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_ASSIGN_OR_RETURN(
          const FrontShape shape,
          ShapeOf(context->GetSingleArgument<int>("num_reduce_dim"), context->dtype(0),
                  context->dims(0), context->dtype(1), context->dims(1)));
      context->SetOutput(0, context->dtype(0), shape.row);
      return absl::OkStatus();
    });

DOPPIO_OPERATOR_SCHEMA(ReduceFrontWeightedSumGradient)
    .NumInputs(3)
    .NumOutputs(1)
    .FillUsing([](OpSchema& schema) { StateArguments(schema); })
    .Doc("The gradient of ReduceFrontWeightedSum: dOUTPUT, times the scalar of each row.")
    .Input(0, "SCALARS", "those of ReduceFrontWeightedSum")
    .Input(1, "dOUTPUT", "gradient of OUTPUT, of float or double")
    .Input(2, "shape", "the shape of DATA: vector of int32 or int64")
    .Output(0, "dDATA", "gradient of DATA")
    .NeedsValue(2)
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_ASSIGN_OR_RETURN(const Dims data,
                              ShapeFromTensor(*context->value(2), "the shape of DATA"));
      DOPPIO_RETURN_IF_ERROR(ShapeOfGradient(context->GetSingleArgument<int>("num_reduce_dim"),
                                             context->dtype(0), context->dims(0), context->dtype(1),
                                             context->dims(1), data)
                                 .status());
      context->SetOutput(0, context->dtype(1), data);
      return absl::OkStatus();
    });

using ValueTypes = TypeList<float, double>;

template <class Context>
class ReduceFrontWeightedSumOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ReduceFrontWeightedSumOp(OperatorInit* init)
      : Operator<Context>(init), num_reduce_dim_(init->GetSingleArgument<int>("num_reduce_dim")) {}

  absl::Status RunOnDevice() override {
    const Tensor& data = Input(0);
    const Tensor& scalars = Input(1);
    DOPPIO_ASSIGN_OR_RETURN(
        const FrontShape shape,
        ShapeOf(num_reduce_dim_, data.dtype(), data.dims(), scalars.dtype(), scalars.dims()));
    return DispatchType(ValueTypes(), data.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      const int64_t block = SizeFromDim(shape.row, 0);
      DOPPIO_RETURN_IF_ERROR(
          scratch_.Resize(data.dtype(), {shape.rows == 0 ? 0 : kSegmentPieces, block}));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, data.dtype(), shape.row));
      const int64_t offsets[] = {0, shape.rows};
      const SegmentRows<T, T, int32_t> rows{data.data<T>(), block, nullptr, scalars.data<T>(),
                                            false};
      ReduceSegments(SegmentReducer::kSum, rows, {offsets, 1}, scratch_.mutable_data<T>(),
                     output->mutable_data<T>(), &context_);
      return absl::OkStatus();
    });
  }

 private:
  const int64_t num_reduce_dim_;
  Tensor scratch_;
};

template <class Context>
class ReduceFrontWeightedSumGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ReduceFrontWeightedSumGradientOp(OperatorInit* init)
      : Operator<Context>(init), num_reduce_dim_(init->GetSingleArgument<int>("num_reduce_dim")) {}

  absl::Status RunOnDevice() override {
    const Tensor& scalars = Input(0);
    const Tensor& dy = Input(1);
    DOPPIO_ASSIGN_OR_RETURN(const Dims data, ShapeFromTensor(Input(2), "the shape of DATA"));
    DOPPIO_ASSIGN_OR_RETURN(const FrontShape shape,
                            ShapeOfGradient(num_reduce_dim_, scalars.dtype(), scalars.dims(),
                                            dy.dtype(), dy.dims(), data));
    return DispatchType(ValueTypes(), dy.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, dy.dtype(), data));
      const int64_t offsets[] = {0, shape.rows};
      SpreadSegments<T>(dy.data<T>(), dy.numel(), {offsets, 1}, nullptr, scalars.data<T>(), false,
                        dx->mutable_data<T>(), &context_);
      return absl::OkStatus();
    });
  }

 private:
  const int64_t num_reduce_dim_;
};

class GetReduceFrontWeightedSumGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    ArgumentReader reader(Def(), OpSchemaRegistry::Schema(Def().type()));
    if (reader.GetSingleArgument<bool>("grad_on_weights")) {
      Fail(absl::UnimplementedError(
          "grad_on_weights: ReduceFrontWeightedSum has no gradient of SCALARS"));
    }
    Fail(reader.status());
    const std::string dims = absl::StrCat("_", O(0), "_dims");
    return {CreateOperatorDef("Shape", "", {I(0)}, {dims}),
            CreateOperatorDef("ReduceFrontWeightedSumGradient", "", {I(1), GO(0), dims}, {GI(0)})};
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(ReduceFrontWeightedSum, ReduceFrontWeightedSumOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(ReduceFrontWeightedSumGradient,
                             ReduceFrontWeightedSumGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(ReduceFrontWeightedSum, GetReduceFrontWeightedSumGradient);

}  // namespace
}  // namespace doppio
