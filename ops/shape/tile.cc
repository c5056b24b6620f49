// Tile, its gradient, and NumpyTile.

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/shape/copying.h"
#include "src/kernel/broadcast.h"
#include "src/kernel/reduce.h"
#include "src/operator/lengths_input.h"
#include "src/operator/shape_input.h"

namespace doppio {
namespace {

// Copies x, read in the shape `from`, to y, read in the shape `to`, as Broadcast does.
void BroadcastTensor(const Tensor& x, DimsView from, Tensor* y, DimsView to, CPUContext* context) {
  if (x.Is<std::string>()) {
    Broadcast(x.data<std::string>(), from, y->mutable_data<std::string>(), to, context);
  } else {
    Broadcast(DataTypeSize(x.dtype()), x.raw_data(), from, y->raw_mutable_data(), to, context);
  }
}

// What Tile and TileGradient are told: by arguments, or by inputs 1 and 2, which come first.
class TileArguments {
 public:
  explicit TileArguments(ArgumentReader* args)
      : tiles_(args->GetSingleArgument<int>("tiles")), axis_(args->GetSingleArgument<int>("axis")) {
    const int inputs = args->def().input_size();
    const auto require = [&](absl::string_view name, bool is_input) {
      if (is_input || args->HasArgument(name)) return;
      args->Fail(absl::InvalidArgumentError(
          absl::StrCat("\"", name, "\" is given neither as an argument nor as an input")));
    };
    require("tiles", inputs > 1);
    require("axis", inputs > 2);
  }

  struct Values {
    int64_t tiles;
    int axis;
  };
  // For a tensor of that rank; the tensors are null where there are no such inputs.
  absl::StatusOr<Values> Resolve(const Tensor* tiles, const Tensor* axis, int rank) const {
    int64_t tiles_value = tiles_;
    int64_t axis_value = axis_;
    if (tiles != nullptr) {
      DOPPIO_ASSIGN_OR_RETURN(tiles_value, SingleInteger(*tiles, "tiles"));
    }
    if (axis != nullptr) {
      DOPPIO_ASSIGN_OR_RETURN(axis_value, SingleInteger(*axis, "axis"));
    }
    if (tiles_value < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("tiles is ", tiles_value, ", but must not be negative"));
    }
    DOPPIO_ASSIGN_OR_RETURN(int canonical, CanonicalAxis(axis_value, rank));
    return Values{tiles_value, canonical};
  }

 private:
  int64_t tiles_;
  int64_t axis_;
};

absl::StatusOr<Dims> TiledShape(DimsView x, const TileArguments::Values& values) {
  Dims dims(x.begin(), x.end());
  int64_t& size = dims[static_cast<size_t>(values.axis)];
  DOPPIO_ASSIGN_OR_RETURN(size, CheckedProduct(size, values.tiles));
  DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
  return dims;
}

absl::StatusOr<Dims> UntiledShape(DimsView y, const TileArguments::Values& values) {
  Dims dims(y.begin(), y.end());
  int64_t& size = dims[static_cast<size_t>(values.axis)];
  if (values.tiles == 0 || size % values.tiles != 0) {
    return absl::InvalidArgumentError(absl::StrCat("dimension ", values.axis, " of dY ",
                                                   ShapeToString(y), " is not made of ",
                                                   values.tiles, " tiles"));
  }
  size /= values.tiles;
  return dims;
}

template <typename Shape>
OpSchema::InferenceFunction InferTile(Shape shape) {
  return [=](InferenceContext* context) -> absl::Status {
    const TileArguments args(context);
    DOPPIO_RETURN_IF_ERROR(context->status());
    const int inputs = context->InputSize();
    const Tensor* tiles = inputs > 1 ? context->value(1) : nullptr;
    const Tensor* axis = inputs > 2 ? context->value(2) : nullptr;
    if ((inputs > 1 && tiles == nullptr) || (inputs > 2 && axis == nullptr)) {
      return absl::OkStatus();
    }
    DOPPIO_ASSIGN_OR_RETURN(auto values,
                            args.Resolve(tiles, axis, static_cast<int>(context->dims(0).size())));
    DOPPIO_ASSIGN_OR_RETURN(Dims dims, shape(context->dims(0), values));
    context->SetOutput(0, context->dtype(0), dims);
    return absl::OkStatus();
  };
}

void StateTile(OpSchema& schema) {
  schema.NumInputs(1, 3)
      .NumOutputs(1)
      .Arg<int>("tiles", "how many copies; must be given where there is no such input", 1)
      .Arg<int>("axis",
                "the dimension along which, counted from the back if negative; must be given where "
                "there is no such input",
                0)
      .Input(1, "tiles", "one int32 or int64, optional: takes the place of the argument")
      .Input(2, "axis", "one int32 or int64, optional: takes the place of the argument");
}

DOPPIO_OPERATOR_SCHEMA(Tile)
    .FillUsing(StateTile)
    .Doc(R"DOC(
Copies of X, one behind the other along a dimension.

Example: X [2,2] = [[1,2],[3,4]] with tiles = 2 and axis = 1 gives Y [2,4] = [[1,2,1,2],[3,4,3,4]].

The gradient of X is the sum of the gradients of its copies. (Caffe2's last source takes axis 0
wherever `tiles` is an input of int64, which was to keep old models running; here the axis is the
one that is given.)
)DOC")
    .Input(0, "X", "tensor of any type, at least a vector")
    .Output(0, "Y", "tensor of X's type, `tiles` times as large along the axis")
    .TakesPhantoms({0})
    .Flops(NoFlops)
    .TensorInference(InferTile(TiledShape));

template <class Context>
class TileOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit TileOp(OperatorInit* init) : Operator<Context>(init), args_(init) {}

  absl::Status RunOnDevice() override {
    const auto operand = InputOperand(0);
    const int rank = static_cast<int>(operand.dims.size());
    DOPPIO_ASSIGN_OR_RETURN(auto values,
                            args_.Resolve(InputSize() > 1 ? &Input(1) : nullptr,
                                          InputSize() > 2 ? &Input(2) : nullptr, rank));
    DOPPIO_ASSIGN_OR_RETURN(Dims dims, TiledShape(operand.dims, values));
    const Tensor& elements = operand.elements;
    const bool is_phantom = operand.dims[static_cast<size_t>(values.axis)] == 1 &&
                            MakesPhantom(elements.dtype(), elements.numel(), dims);
    if (is_phantom) return OutputBlob(0)->SetPhantom(elements, dims);
    DOPPIO_RETURN_IF_ERROR(InputBlob(0).WriteOut());
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), dims));
    const int64_t outer = SizeToDim(x.dims(), values.axis);
    const int64_t inner = SizeFromDim(x.dims(), values.axis);
    BroadcastTensor(x, {outer, 1, inner}, y, {outer, values.tiles, inner}, &context_);
    return absl::OkStatus();
  }

 private:
  const TileArguments args_;
};

DOPPIO_OPERATOR_SCHEMA(TileGradient)
    .FillUsing(StateTile)
    .Doc("The gradient of Tile: the sum of dY over the copies that Tile made.")
    .Input(0, "dY", "gradient of Tile's output: float, double, int32 or int64")
    .Output(0, "dX", "gradient of X: dY's type, 1/tiles of its size along the axis")
    .TensorInference(InferTile(UntiledShape))
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return NumElements(*inputs[0].dims).value_or(0);
    });

template <class Context>
class TileGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit TileGradientOp(OperatorInit* init) : Operator<Context>(init), args_(init) {}

  absl::Status RunOnDevice() override {
    using Types = TypeList<float, double, int32_t, int64_t>;
    const Tensor& dy = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(auto values,
                            args_.Resolve(InputSize() > 1 ? &Input(1) : nullptr,
                                          InputSize() > 2 ? &Input(2) : nullptr, dy.rank()));
    DOPPIO_ASSIGN_OR_RETURN(Dims dims, UntiledShape(dy.dims(), values));
    return DispatchType(Types(), dy.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, dy.dtype(), dims));
      const int64_t outer = SizeToDim(dims, values.axis);
      const int64_t inner = SizeFromDim(dims, values.axis);
      return ReduceSumTo(dy.data<T>(), {outer, values.tiles, inner}, dx->template mutable_data<T>(),
                         {outer, 1, inner}, &context_);
    });
  }

 private:
  const TileArguments args_;
};

class GetTileGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    std::vector<std::string> inputs = {GO(0)};
    for (int i = 1; i < InputSize(); ++i) inputs.push_back(I(i));
    return SingleGradientDef("TileGradient", "", inputs, {GI(0)});
  }
};

absl::StatusOr<Dims> NumpyTiledShape(DimsView x, const Tensor& repeats) {
  if (!repeats.Is<int64_t>()) {
    return absl::InvalidArgumentError(
        absl::StrCat("repeats must be int64, but is ", repeats.TypeAndShape()));
  }
  DOPPIO_ASSIGN_OR_RETURN(Dims dims, ShapeFromTensor(repeats, "repeats"));
  if (dims.size() != x.size()) {
    return absl::InvalidArgumentError(absl::StrCat("repeats has ", dims.size(), " elements, but X ",
                                                   ShapeToString(x), " has ", x.size(),
                                                   " dimensions"));
  }
  for (size_t d = 0; d < dims.size(); ++d) {
    if (dims[d] < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("repeats[", d, "] is ", dims[d], ", but must not be negative"));
    }
    DOPPIO_ASSIGN_OR_RETURN(dims[d], CheckedProduct(dims[d], x[d]));
  }
  DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
  return dims;
}

DOPPIO_OPERATOR_SCHEMA(NumpyTile)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
Copies of X along every dimension, as numpy.tile: `repeats` has the number of copies for each.

Example: X [1,2] = [[1,2]] and repeats [2,2] give Y [2,4] = [[1,2,1,2],[1,2,1,2]].
)DOC")
    .Input(0, "X", "tensor of any type and shape")
    .Input(1, "repeats", "vector of int64 with an element for each dimension of X, none negative")
    .Output(0, "Y", "tensor of X's type, of X's sizes times `repeats`")
    .NeedsValue(1)
    .Flops(NoFlops)
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_ASSIGN_OR_RETURN(Dims dims, NumpyTiledShape(context->dims(0), *context->value(1)));
      context->SetOutput(0, context->dtype(0), dims);
      return absl::OkStatus();
    });

template <class Context>
class NumpyTileOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit NumpyTileOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(Dims dims, NumpyTiledShape(x.dims(), Input(1)));
    // A dimension of copies before each of those that have more than one.
    from_.clear();
    to_.clear();
    for (int d = 0; d < x.rank(); ++d) {
      const int64_t repeats = Input(1).template data<int64_t>()[d];
      if (repeats != 1) {
        from_.push_back(1);
        to_.push_back(repeats);
      }
      from_.push_back(x.dim(d));
      to_.push_back(x.dim(d));
    }
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), dims));
    if (y->numel() > 0) BroadcastTensor(x, from_, y, to_, &context_);
    return absl::OkStatus();
  }

 private:
  Dims from_;
  Dims to_;
};

DOPPIO_REGISTER_CPU_OPERATOR(Tile, TileOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(TileGradient, TileGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(Tile, GetTileGradient);
DOPPIO_REGISTER_CPU_OPERATOR(NumpyTile, NumpyTileOp<CPUContext>);
DOPPIO_NO_GRADIENT(NumpyTile);

}  // namespace
}  // namespace doppio
