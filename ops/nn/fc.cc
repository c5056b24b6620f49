#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"
#include "ops/nn/fc_layer.h"
#include "src/dnn/gemm.h"
#include "src/kernel/reduce.h"

namespace doppio {
namespace {

absl::Status CheckOutputGradient(const FcSizes& sizes, DimsView x, DimsView dy) {
  DOPPIO_ASSIGN_OR_RETURN(Dims y, FcOutputShape(sizes, x));
  DOPPIO_ASSIGN_OR_RETURN(int64_t wanted, NumElements(y));
  DOPPIO_ASSIGN_OR_RETURN(int64_t have, NumElements(dy));
  if (wanted == have) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("dY is ", ShapeToString(dy), ", but the output is ", ShapeToString(y)));
}

// `sums`: 2 where dW and db are added to inputs, or else 0.
OpSchema& BackwardSchema(OpSchema& schema, bool transposed, int sums = 0) {
  return StateFcArguments(schema)
      .NumInputs(3 + sums)
      .NumOutputs(2, 3)
      .LeastOutputs(2)  // all but dX
      .Input(0, "X", "the input of the forward operator")
      .Input(1, "W", "its weights")
      .Input(2, "dY", "gradient of its output")
      .Output(0, "dW", "gradient of W")
      .Output(1, "db", "gradient of the bias, a vector of N")
      .Output(2, "dX", "gradient of X; not computed where it is not asked for")
      .MultiplyAdds([transposed](const OperatorDef& def, const std::vector<TensorInfo>& inputs,
                                 const auto&) {
        InferenceContext context(def, OpSchemaRegistry::Schema(def.type()), {});
        const auto sizes =
            FcSizesOf(FcArguments(&context), transposed, *inputs[0].dims, *inputs[1].dims);
        // dW, and dX where it is asked for, are a product each.
        return sizes.ok() ? (def.output_size() - 1) * GemmMultiplyAdds(sizes->m, sizes->n, sizes->k)
                          : 0;
      })
      .TensorInference([transposed](InferenceContext* context) -> absl::Status {
        DOPPIO_ASSIGN_OR_RETURN(FcSizes sizes, FcSizesOf(FcArguments(context), transposed,
                                                         context->dims(0), context->dims(1)));
        DOPPIO_RETURN_IF_ERROR(CheckFcTypes(*context));
        DOPPIO_RETURN_IF_ERROR(CheckOutputGradient(sizes, context->dims(0), context->dims(2)));
        context->SetOutput(0, context->dtype(1), context->dims(1));
        context->SetOutput(1, context->dtype(0), {sizes.n});
        context->SetOutput(2, context->dtype(0), context->dims(0));
        return absl::OkStatus();
      });
}

[[maybe_unused]] const OpSchema& fc_schema =
    StateFc(OpSchemaRegistry::NewSchema("FC", __FILE__, __LINE__), false).Doc(R"DOC(
The fully connected layer Y = X W^T + b. X and W may be of any rank: dimensions before `axis`
(`axis_w`) are the rows of a matrix, those from there on its columns.

Example: X [32,3,8,8], W [10,192] and b [10] give Y [32,10].
)DOC");
[[maybe_unused]] const OpSchema& fc_transposed_schema =
    StateFc(OpSchemaRegistry::NewSchema("FCTransposed", __FILE__, __LINE__), true)
        .Doc("Y = X W + b: FC with weights that are stored transposed, as [K,N].");
[[maybe_unused]] const OpSchema& fc_gradient_schema =
    BackwardSchema(OpSchemaRegistry::NewSchema("FCGradient", __FILE__, __LINE__), false)
        .Doc("The gradient of FC: dW = dY^T X, db = the sum of dY's rows, dX = dY W.");
[[maybe_unused]] const OpSchema& fc_transposed_gradient_schema =
    BackwardSchema(OpSchemaRegistry::NewSchema("FCTransposedGradient", __FILE__, __LINE__), true)
        .Doc("The gradient of FCTransposed: dW = X^T dY, db = the sum of dY's rows, dX = dY W^T.");

OpSchema& Accumulating(OpSchema& schema, bool transposed) {
  return BackwardSchema(schema, transposed, 2)
      .EnforceInplace({{3, 0}, {4, 1}})
      .Input(3, "dW_sum", "tensor of W's shape and type, which dW is added to")
      .Input(4, "db_sum", "vector of N, which db is added to")
      .Output(0, "dW_sum", "the input, with what was added")
      .Output(1, "db_sum", "the input, with what was added");
}

[[maybe_unused]] const OpSchema& fc_gradient_accumulate_schema =
    Accumulating(OpSchemaRegistry::NewSchema("FCGradientAccumulate", __FILE__, __LINE__), false)
        .Doc(R"DOC(
FCGradient where dW and db are added to sums, in the step nets of RecurrentNetworkGradient.

Example: X [1,1] = [[2]], W [1,1] = [[3]], dY [1,1] = [[10]], dW_sum [1,1] = [[1]] and db_sum [1] = [4] give
dW_sum [[21]] and db_sum [14].
)DOC");
[[maybe_unused]] const OpSchema& fc_transposed_gradient_accumulate_schema =
    Accumulating(OpSchemaRegistry::NewSchema("FCTransposedGradientAccumulate", __FILE__, __LINE__),
                 true)
        .Doc("FCTransposedGradient where dW and db are added to sums: see FCGradientAccumulate.");

template <class Context, bool kTransposed>
class FullyConnectedOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit FullyConnectedOp(OperatorInit* init) : Operator<Context>(init), args_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& w = Input(1);
    const Tensor& b = Input(2);
    DOPPIO_RETURN_IF_ERROR(CheckFcTypes(*this, x, w, b));
    DOPPIO_ASSIGN_OR_RETURN(FcSizes sizes, FcSizesOf(args_, kTransposed, x.dims(), w.dims()));
    DOPPIO_RETURN_IF_ERROR(CheckFcBias(sizes, b.dims()));
    DOPPIO_ASSIGN_OR_RETURN(Dims dims, FcOutputShape(sizes, x.dims()));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), dims));
      T* out = y->mutable_data<T>();
      DOPPIO_RETURN_IF_ERROR(Gemm(false, !kTransposed, sizes.m, sizes.n, sizes.k, x.data<T>(),
                                  w.data<T>(), out, &context_));
      AddBias(b.data<T>(), sizes.m, sizes.n, out);
      return absl::OkStatus();
    });
  }

 private:
  template <typename T>
  static void AddBias(const T* b, int64_t m, int64_t n, T* y) {
    if (n == 0) return;
    ParallelFor(m, kGrain / n + 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        T* row = y + i * n;
        for (int64_t j = 0; j < n; ++j) row[j] += b[j];
      }
    });
  }

  static constexpr int64_t kGrain = 1 << 15;  // elements that are worth a thread
  const FcArguments args_;
};

// kAccumulates: dW and db are added to what inputs 3 and 4 hold, which are outputs 0 and 1.
template <class Context, bool kTransposed, bool kAccumulates = false>
class FullyConnectedGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit FullyConnectedGradientOp(OperatorInit* init) : Operator<Context>(init), args_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& w = Input(1);
    const Tensor& dy = Input(2);
    DOPPIO_RETURN_IF_ERROR(CheckFcTypes(*this, x, w, dy));
    DOPPIO_ASSIGN_OR_RETURN(FcSizes sizes, FcSizesOf(args_, kTransposed, x.dims(), w.dims()));
    DOPPIO_RETURN_IF_ERROR(CheckOutputGradient(sizes, x.dims(), dy.dims()));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      return DoRunWithType<T>(sizes, x, w, dy);
    });
  }

 private:
  template <typename T>
  absl::Status DoRunWithType(const FcSizes& sizes, const Tensor& x, const Tensor& w,
                             const Tensor& dy) {
    const auto [m, n, k, axis] = sizes;
    if (kAccumulates) DOPPIO_RETURN_IF_ERROR(CheckSums(sizes, w));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * dw, Output(0, w.dtype(), w.dims()));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * db, Output(1, x.dtype(), {n}));
    constexpr auto kMultiply = kAccumulates ? GemmAdd<T> : Gemm<T>;
    if (kTransposed) {
      DOPPIO_RETURN_IF_ERROR(kMultiply(true, false, k, n, m, x.data<T>(), dy.data<T>(),
                                       dw->mutable_data<T>(), &context_));
    } else {
      DOPPIO_RETURN_IF_ERROR(kMultiply(true, false, n, k, m, dy.data<T>(), x.data<T>(),
                                       dw->mutable_data<T>(), &context_));
    }
    if (kAccumulates) {
      DOPPIO_RETURN_IF_ERROR(sums_.Resize(x.dtype(), {n}));
      DOPPIO_RETURN_IF_ERROR(
          ReduceSumTo(dy.data<T>(), {m, n}, sums_.mutable_data<T>(), {n}, &context_));
      T* out = db->mutable_data<T>();
      for (int64_t j = 0; j < n; ++j) out[j] += sums_.data<T>()[j];
    } else {
      DOPPIO_RETURN_IF_ERROR(
          ReduceSumTo(dy.data<T>(), {m, n}, db->mutable_data<T>(), {n}, &context_));
    }
    if (OutputSize() < 3) return absl::OkStatus();
    DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(2, x.dtype(), x.dims()));
    return Gemm(false, kTransposed, m, k, n, dy.data<T>(), w.data<T>(), dx->mutable_data<T>(),
                &context_);
  }

  absl::Status CheckSums(const FcSizes& sizes, const Tensor& w) const {
    const Tensor& dw = Input(3);
    const Tensor& db = Input(4);
    if (dw.dtype() == w.dtype() && db.dtype() == w.dtype() && dw.dims() == w.dims() &&
        db.dims() == DimsView({sizes.n})) {
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(
        absl::StrCat("the sums must have W's type and shape, ", w.TypeAndShape(),
                     ", and one number for each of ", sizes.n, " outputs, but are ",
                     dw.TypeAndShape(), " and ", db.TypeAndShape()));
  }

  const FcArguments args_;
  Tensor sums_;  // of dY's rows, before they are added
};

class GetFCGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef(Def().type() + "Gradient", "", {I(0), I(1), GO(0)},
                             {GI(1), GI(2), GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(FC, FullyConnectedOp<CPUContext, false>);
DOPPIO_REGISTER_CPU_OPERATOR(FCTransposed, FullyConnectedOp<CPUContext, true>);
DOPPIO_REGISTER_CPU_OPERATOR(FCGradient, FullyConnectedGradientOp<CPUContext, false>);
DOPPIO_REGISTER_CPU_OPERATOR(FCTransposedGradient, FullyConnectedGradientOp<CPUContext, true>);
DOPPIO_REGISTER_CPU_OPERATOR(FCGradientAccumulate,
                             FullyConnectedGradientOp<CPUContext, false, true>);
DOPPIO_REGISTER_CPU_OPERATOR(FCTransposedGradientAccumulate,
                             FullyConnectedGradientOp<CPUContext, true, true>);
DOPPIO_REGISTER_GRADIENT(FC, GetFCGradient);
DOPPIO_REGISTER_GRADIENT(FCTransposed, GetFCGradient);

}  // namespace
}  // namespace doppio
