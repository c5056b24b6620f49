#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/dnn/gemm.h"

namespace doppio {
namespace {

// How A and B are read as matrices.
struct MatMulArguments {
  explicit MatMulArguments(ArgumentReader* args)
      : axis_a(args->GetSingleArgument<int>("axis_a")),
        axis_b(args->GetSingleArgument<int>("axis_b")),
        trans_a(args->GetSingleArgument<bool>("trans_a")),
        trans_b(args->GetSingleArgument<bool>("trans_b")) {}

  int axis_a;
  int axis_b;
  bool trans_a;
  bool trans_b;
};

// op(A) is [m,k], op(B) is [k,n].
struct MatMulSizes {
  int64_t m;
  int64_t n;
  int64_t k;
};

absl::StatusOr<MatMulSizes> SizesOf(const MatMulArguments& args, DimsView a, DimsView b) {
  DOPPIO_ASSIGN_OR_RETURN(int axis_a, CanonicalAxis(args.axis_a, static_cast<int>(a.size())));
  DOPPIO_ASSIGN_OR_RETURN(int axis_b, CanonicalAxis(args.axis_b, static_cast<int>(b.size())));
  int64_t a_rows = SizeToDim(a, axis_a);
  int64_t a_columns = SizeFromDim(a, axis_a);
  int64_t b_rows = SizeToDim(b, axis_b);
  int64_t b_columns = SizeFromDim(b, axis_b);
  if (args.trans_a) std::swap(a_rows, a_columns);
  if (args.trans_b) std::swap(b_rows, b_columns);
  if (a_columns != b_rows) {
    return absl::InvalidArgumentError(absl::StrCat(
        "cannot multiply A ", ShapeToString(a), args.trans_a ? " transposed" : "", " by B ",
        ShapeToString(b), args.trans_b ? " transposed" : "", ": as matrices they are ",
        ShapeToString({a_rows, a_columns}), " and ", ShapeToString({b_rows, b_columns}),
        ", but the columns of the first must be the rows of the second"));
  }
  return MatMulSizes{a_rows, b_columns, a_columns};
}

// The shape of the output: the third input's, where there is one.
absl::StatusOr<Dims> OutputShape(const MatMulSizes& sizes, const DimsView* like) {
  const Dims shape = {sizes.m, sizes.n};
  DOPPIO_ASSIGN_OR_RETURN(int64_t count, NumElements(shape));
  if (like == nullptr) return shape;
  DOPPIO_ASSIGN_OR_RETURN(int64_t wanted, NumElements(*like));
  if (count != wanted) {
    return absl::InvalidArgumentError(absl::StrCat("the product is ", ShapeToString(shape),
                                                   ", which cannot take the shape ",
                                                   ShapeToString(*like), " of the third input"));
  }
  return Dims(like->begin(), like->end());
}

DOPPIO_OPERATOR_SCHEMA(MatMul)
    .NumInputs(2, 3)
    .NumOutputs(1)
    .Doc(R"DOC(
The matrix product Y = op(A) op(B), where op(X) is X, or its transpose where trans_a or trans_b says
so. Tensors of other ranks are read as matrices: dimensions before axis_a (axis_b) are the rows,
those from there on the columns.

Example: A [2,3] and B [4,3] with trans_b=1 give Y [2,4].
)DOC")
    .Arg<int>("axis_a", "the first dimension of A that counts as columns", 1)
    .Arg<int>("axis_b", "the first dimension of B that counts as columns", 1)
    .Arg<bool>("trans_a", "whether A is transposed", false)
    .Arg<bool>("trans_b", "whether B is transposed", false)
    .Input(0, "A", "tensor of float or double")
    .Input(1, "B", "tensor of A's type")
    .Input(2, "like", "tensor whose shape Y takes, with as many elements; only in gradient nets")
    .Output(0, "Y", "tensor of A's type: the rows of op(A) by the columns of op(B)")
    .MultiplyAdds([](const OperatorDef& def, const std::vector<TensorInfo>& inputs, const auto&) {
      InferenceContext context(def, OpSchemaRegistry::Schema(def.type()), {});
      const auto sizes = SizesOf(MatMulArguments(&context), *inputs[0].dims, *inputs[1].dims);
      return sizes.ok() ? GemmMultiplyAdds(sizes->m, sizes->n, sizes->k) : 0;
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_ASSIGN_OR_RETURN(
          MatMulSizes sizes, SizesOf(MatMulArguments(context), context->dims(0), context->dims(1)));
      const DimsView like = context->InputSize() > 2 ? context->dims(2) : DimsView();
      DOPPIO_ASSIGN_OR_RETURN(Dims dims,
                              OutputShape(sizes, context->InputSize() > 2 ? &like : nullptr));
      context->SetOutput(0, context->dtype(0), dims);
      return absl::OkStatus();
    });

template <class Context>
class MatMulOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit MatMulOp(OperatorInit* init) : Operator<Context>(init), args_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& a = Input(0);
    const Tensor& b = Input(1);
    if (a.dtype() != b.dtype()) {
      return absl::InvalidArgumentError(absl::StrCat("A ", DescribeInput(0), " and B ",
                                                     DescribeInput(1), " must have the same type"));
    }
    DOPPIO_ASSIGN_OR_RETURN(MatMulSizes sizes, SizesOf(args_, a.dims(), b.dims()));
    const DimsView like = InputSize() > 2 ? Input(2).dims() : DimsView();
    DOPPIO_ASSIGN_OR_RETURN(Dims dims, OutputShape(sizes, InputSize() > 2 ? &like : nullptr));
    return DispatchType(TypeList<float, double>(), a.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, a.dtype(), dims));
      return Gemm(args_.trans_a, args_.trans_b, sizes.m, sizes.n, sizes.k, a.data<T>(), b.data<T>(),
                  y->mutable_data<T>(), &context_);
    });
  }

 private:
  const MatMulArguments args_;
};

class GetMatMulGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  // The arguments below replace the forward operator's.
  bool CopyArguments() const override { return false; }

  // With Y = op(A) op(B): dA and dB are each a product of dY (a matrix) and the other input, which
  // is read along the axis that the forward operator read it along.
  std::vector<OperatorDef> GetGradientDefs() override {
    ArgumentReader reader(Def(), OpSchemaRegistry::Schema(Def().type()));
    const MatMulArguments args(&reader);
    Fail(reader.status());
    const Argument trans_a = MakeArgument<int>("trans_a", 1);
    const Argument trans_b = MakeArgument<int>("trans_b", 1);
    const auto product = [](const std::vector<std::string>& inputs, const std::string& output,
                            const std::vector<Argument>& arguments) {
      return CreateOperatorDef("MatMul", "", inputs, {output}, arguments);
    };
    const auto axis_a = [](int axis) { return MakeArgument<int>("axis_a", axis); };
    const auto axis_b = [](int axis) { return MakeArgument<int>("axis_b", axis); };
    const std::vector<std::string> of_a = args.trans_a
                                              ? std::vector<std::string>{I(1), GO(0), I(0)}
                                              : std::vector<std::string>{GO(0), I(1), I(0)};
    const std::vector<std::string> of_b = args.trans_b
                                              ? std::vector<std::string>{GO(0), I(0), I(1)}
                                              : std::vector<std::string>{I(0), GO(0), I(1)};
    std::vector<Argument> a_arguments;
    std::vector<Argument> b_arguments;
    if (args.trans_a && args.trans_b) {
      a_arguments = {trans_a, trans_b, axis_a(args.axis_b)};
      b_arguments = {trans_a, trans_b, axis_b(args.axis_a)};
    } else if (args.trans_a) {
      a_arguments = {trans_b, axis_a(args.axis_b)};
      b_arguments = {axis_a(args.axis_a)};
    } else if (args.trans_b) {
      a_arguments = {axis_b(args.axis_b)};
      b_arguments = {trans_a, axis_b(args.axis_a)};
    } else {
      a_arguments = {trans_b, axis_b(args.axis_b)};
      b_arguments = {trans_a, axis_a(args.axis_a)};
    }
    return {product(of_a, GI(0), a_arguments), product(of_b, GI(1), b_arguments)};
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(MatMul, MatMulOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(MatMul, GetMatMulGradient);

}  // namespace
}  // namespace doppio
