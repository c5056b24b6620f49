#include <atomic>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"
#include "src/dnn/gemm.h"

namespace doppio {
namespace {

struct BatchMatMulArguments {
  explicit BatchMatMulArguments(ArgumentReader* args)
      : trans_a(args->GetSingleArgument<bool>("trans_a")),
        trans_b(args->GetSingleArgument<bool>("trans_b")),
        broadcast(args->GetSingleArgument<bool>("broadcast")) {}

  bool trans_a;
  bool trans_b;
  bool broadcast;
};

// The product of matrices [m,k] and [k,n] for every index of `batch`; a matrix is repeated along a
// dimension where its stride (in matrices) is 0.
struct BatchMatMulShape {
  int64_t m;
  int64_t n;
  int64_t k;
  Dims batch;
  Dims strides_a;
  Dims strides_b;
  Dims output;
};

// How far to go in a tensor with these batch dimensions for each dimension of `batch`.
Dims StridesIn(DimsView dims, DimsView batch) {
  Dims strides(batch.size(), 0);
  int64_t stride = 1;
  for (size_t back = 1; back <= dims.size(); ++back) {
    const int64_t size = dims[dims.size() - back];
    if (size != 1) strides[batch.size() - back] = stride;
    stride *= size;
  }
  return strides;
}

absl::StatusOr<BatchMatMulShape> ShapeOf(const BatchMatMulArguments& args, DimsView a_view,
                                         DimsView b_view) {
  Dims a(a_view.begin(), a_view.end());
  Dims b(b_view.begin(), b_view.end());
  const auto fail = [&](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("cannot multiply A ", ShapeToString(a_view),
                                                   " and B ", ShapeToString(b_view), ": ", why));
  };
  const bool vector_a = args.broadcast && a.size() == 1;
  const bool vector_b = args.broadcast && b.size() == 1;
  if (vector_a) a.insert(a.begin(), 1);
  if (vector_b) b.push_back(1);
  if (a.size() < 2 || b.size() < 2) return fail("matrices have two dimensions or more");
  BatchMatMulShape shape;
  const auto rows = [](const Dims& dims, bool trans) {
    return dims[dims.size() - (trans ? 1 : 2)];
  };
  shape.m = rows(a, args.trans_a);
  shape.k = rows(a, !args.trans_a);
  shape.n = rows(b, !args.trans_b);
  if (rows(b, args.trans_b) != shape.k) {
    return fail(absl::StrCat("rows of A have ", shape.k, " elements, but columns of B ",
                             rows(b, args.trans_b)));
  }
  const DimsView batch_a(a.data(), a.size() - 2);
  const DimsView batch_b(b.data(), b.size() - 2);
  if (!args.broadcast && batch_a != batch_b) {
    return fail("without broadcast=1 the dimensions before the last two must be equal");
  }
  DOPPIO_ASSIGN_OR_RETURN(shape.batch, BroadcastShapes(batch_a, batch_b));
  shape.strides_a = StridesIn(batch_a, shape.batch);
  shape.strides_b = StridesIn(batch_b, shape.batch);
  shape.output = shape.batch;
  if (!vector_a) shape.output.push_back(shape.m);
  if (!vector_b) shape.output.push_back(shape.n);
  if (vector_a && vector_b) shape.output.push_back(1);
  DOPPIO_RETURN_IF_ERROR(NumElements(shape.output).status());
  return shape;
}

DOPPIO_OPERATOR_SCHEMA(BatchMatMul)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
Products of many matrices: Y[i] = A[i] B[i], where i stands for all dimensions but the last two. These
are the same for A and B, unless broadcast=1: then they are broadcast by NumPy's rules, and a vector
A counts as a row, a vector B as a column, whose dimension is missing in Y (the product of two
vectors is [1]).

Example: A [8,2,3] and B [8,3,4] give Y [8,2,4], as does B [8,4,3] with trans_b=1.
)DOC")
    .Arg("trans_a", "the matrices of A are transposed", false)
    .Arg("trans_b", "the matrices of B are transposed", false)
    .Arg("broadcast", "matrices may be repeated; has no gradient", false)
    .Input(0, "A", "float or double [..., M, K], or with trans_a [..., K, M]")
    .Input(1, "B", "of A's type, [..., K, N], or with trans_b [..., N, K]")
    .Output(0, "Y", "[..., M, N] of A's type")
    .TakesPhantoms({0, 1})
    .MultiplyAdds([](const OperatorDef& def, const std::vector<TensorInfo>& inputs, const auto&) {
      InferenceContext context(def, OpSchemaRegistry::Schema(def.type()), {});
      const auto shape = ShapeOf(BatchMatMulArguments(&context), *inputs[0].dims, *inputs[1].dims);
      if (!shape.ok()) return int64_t{0};
      return CheckedProduct(SizeFromDim(shape->batch, 0),
                            GemmMultiplyAdds(shape->m, shape->n, shape->k))
          .value_or(0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      if (context->dtype(0) != context->dtype(1)) {
        return absl::InvalidArgumentError(absl::StrCat(
            "A is ", DataTypeName(context->dtype(0)), ", but B ", DataTypeName(context->dtype(1))));
      }
      DOPPIO_ASSIGN_OR_RETURN(
          const BatchMatMulShape shape,
          ShapeOf(BatchMatMulArguments(context), context->dims(0), context->dims(1)));
      context->SetOutput(0, context->dtype(0), shape.output);
      return absl::OkStatus();
    });

template <class Context>
class BatchMatMulOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit BatchMatMulOp(OperatorInit* init) : Operator<Context>(init), args_(init) {}

  absl::Status RunOnDevice() override {
    const auto operand_a = InputOperand(0);
    const auto operand_b = InputOperand(1);
    if (operand_a.elements.dtype() != operand_b.elements.dtype()) {
      return absl::InvalidArgumentError(
          absl::StrCat(DescribeInput(0), " and ", DescribeInput(1), " must have the same type"));
    }
    DOPPIO_ASSIGN_OR_RETURN(BatchMatMulShape shape, ShapeOf(args_, operand_a.dims, operand_b.dims));
    DOPPIO_ASSIGN_OR_RETURN(const Tensor* a, Matrices(0, shape.batch, &shape.strides_a));
    DOPPIO_ASSIGN_OR_RETURN(const Tensor* b, Matrices(1, shape.batch, &shape.strides_b));
    return DispatchType(TypeList<float, double>(), a->dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, a->dtype(), shape.output));
      return Multiply(shape, a->data<T>(), b->data<T>(), y->mutable_data<T>());
    });
  }

 private:
  // The elements of an operand: those of a phantom where whole matrices are repeated.
  absl::StatusOr<const Tensor*> Matrices(int i, DimsView batch, Dims* strides) const {
    const auto operand = InputOperand(i);
    const DimsView dims = operand.elements.dims();
    if (!operand.is_repeated() || dims.size() < 2 ||
        dims.subspan(dims.size() - 2) != operand.dims.subspan(dims.size() - 2)) {
      DOPPIO_RETURN_IF_ERROR(InputBlob(i).WriteOut());
      return &Input(i);
    }
    *strides = StridesIn(dims.subspan(0, dims.size() - 2), batch);
    return &operand.elements;
  }

  template <typename T>
  absl::Status Multiply(const BatchMatMulShape& shape, const T* a, const T* b, T* y) {
    constexpr int64_t kGrain = int64_t{1} << 19;  // multiply-adds that are worth a thread
    const int64_t work = std::max<int64_t>(GemmMultiplyAdds(shape.m, shape.n, shape.k), 1);
    std::atomic<bool> failed{false};
    ParallelFor(SizeFromDim(shape.batch, 0), kGrain / work + 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        int64_t at_a = 0;
        int64_t at_b = 0;
        int64_t rest = i;
        for (size_t d = shape.batch.size(); d-- > 0;) {
          at_a += rest % shape.batch[d] * shape.strides_a[d];
          at_b += rest % shape.batch[d] * shape.strides_b[d];
          rest /= shape.batch[d];
        }
        const absl::Status status = Gemm(args_.trans_a, args_.trans_b, shape.m, shape.n, shape.k,
                                         a + at_a * shape.m * shape.k, b + at_b * shape.k * shape.n,
                                         y + i * shape.m * shape.n, &context_);
        if (!status.ok()) failed = true;
      }
    });
    if (!failed) return absl::OkStatus();
    return absl::ResourceExhaustedError("a matrix product failed for lack of memory");
  }

  const BatchMatMulArguments args_;
};

// Y = A B: dA = dY B', dB = A' dY; where an operand was transposed, its gradient is too.
class GetBatchMatMulGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  bool CopyArguments() const override { return false; }

  std::vector<OperatorDef> GetGradientDefs() override {
    ArgumentReader reader(Def(), nullptr);
    const auto flag = [&](const char* name) { return reader.GetSingleArgument<bool>(name, false); };
    if (flag("broadcast")) {
      Fail(absl::InvalidArgumentError("BatchMatMul with broadcast=1 has no gradient"));
    }
    const bool trans_a = flag("trans_a");
    const bool trans_b = flag("trans_b");
    const auto product = [](const std::string& a, bool ta, const std::string& b, bool tb,
                            const std::string& out) {
      std::vector<Argument> args;
      if (ta) args.push_back(MakeArgument("trans_a", 1));
      if (tb) args.push_back(MakeArgument("trans_b", 1));
      return CreateOperatorDef("BatchMatMul", "", {a, b}, {out}, args);
    };
    const OperatorDef da = trans_a ? product(I(1), trans_b, GO(0), true, GI(0))
                                   : product(GO(0), false, I(1), !trans_b, GI(0));
    const OperatorDef db = trans_b ? product(GO(0), true, I(0), trans_a, GI(1))
                                   : product(I(0), !trans_a, GO(0), false, GI(1));
    return {da, db};
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(BatchMatMul, BatchMatMulOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(BatchMatMul, GetBatchMatMulGradient);

}  // namespace
}  // namespace doppio
