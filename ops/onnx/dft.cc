#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/onnx/fourier_lines.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

struct DftArguments {
  explicit DftArguments(ArgumentReader* args)
      : axis(args->GetSingleArgument<int>("axis")),
        inverse(args->GetSingleArgument<bool>("inverse")),
        onesided(args->GetSingleArgument<bool>("onesided")) {
    if (inverse && onesided) {
      args->Fail(absl::InvalidArgumentError("an inverse transform is not one-sided"));
    }
  }

  int axis;
  bool inverse;
  bool onesided;
};

struct DftShape {
  int axis;
  int64_t length;  // of a transform
  Dims out;
};

// `length`: null where none is given.
absl::StatusOr<DftShape> ShapeOf(const DftArguments& args, DimsView x, const int64_t* length) {
  DftShape shape;
  DOPPIO_ASSIGN_OR_RETURN(shape.axis, CanonicalAxis(args.axis, static_cast<int>(x.size())));
  if (shape.axis + 1 == static_cast<int>(x.size()) || (x.back() != 1 && x.back() != 2)) {
    return absl::InvalidArgumentError(
        absl::StrCat("X ", ShapeToString(x), " must have a dimension behind axis ", args.axis,
                     ", and end with one of 1 (real) or 2 (complex)"));
  }
  if (args.onesided && x.back() != 1) {
    return absl::InvalidArgumentError("the transform of complex numbers is not one-sided");
  }
  shape.length = length == nullptr ? x[shape.axis] : *length;
  if (shape.length < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("the length of a transform must be at least 1, but is ", shape.length));
  }
  shape.out.assign(x.begin(), x.end());
  shape.out.back() = 2;
  shape.out[shape.axis] = args.onesided ? FourierLines::OneSided(shape.length) : shape.length;
  DOPPIO_RETURN_IF_ERROR(NumElements(shape.out).status());
  return shape;
}

DOPPIO_OPERATOR_SCHEMA(DFT)
    .NumInputs(1, 2)
    .NumOutputs(1)
    .Doc(R"DOC(
ONNX's DFT: the discrete Fourier transform along one dimension, Y[k] = sum over n of X[n] exp(-2 pi i n k / N),
or with `inverse` exp(2 pi i n k / N) / N. The last dimension holds a number's real and imaginary part. N is the
size of the dimension, or what the second input says: zeros are added then, or numbers at the end left out. It is
computed in double.

Example: X [1,2,1] = [[[1],[2]]] gives Y [1,2,2] = [[[3,0],[-1,0]]].
)DOC")
    .Arg<int>("axis", "the dimension, from the back if negative; not the last one", 1)
    .Arg<bool>("inverse", "whether it is the inverse transform", false)
    .Arg<bool>("onesided", "of real numbers: only Y[0] to Y[N / 2], which tell the rest", false)
    .Input(0, "X", "float or double, whose last dimension is 1 (real) or 2 (complex)")
    .Input(1, "length", "a single int32 or int64: N; may be left out")
    .Output(0, "Y", "of X's type and shape, but for the axis and the last dimension, which is 2")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const DftArguments args(context);
      DOPPIO_RETURN_IF_ERROR(context->status());
      int64_t length = 0;
      const bool is_given = context->InputSize() > 1;
      if (is_given) {
        if (context->value(1) == nullptr) return absl::OkStatus();
        DOPPIO_ASSIGN_OR_RETURN(length, SingleInteger(*context->value(1), "length"));
      }
      DOPPIO_ASSIGN_OR_RETURN(const DftShape shape,
                              ShapeOf(args, context->dims(0), is_given ? &length : nullptr));
      context->SetOutput(0, context->dtype(0), shape.out);
      return absl::OkStatus();
    });

template <class Context>
class DFTOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit DFTOp(OperatorInit* init) : Operator<Context>(init), args_(init) {}

  absl::Status RunOnDevice() override {
    int64_t length = 0;
    const bool is_given = InputSize() > 1;
    if (is_given) {
      DOPPIO_ASSIGN_OR_RETURN(length, SingleInteger(Input(1), "length"));
    }
    DOPPIO_ASSIGN_OR_RETURN(const DftShape shape,
                            ShapeOf(args_, Input(0).dims(), is_given ? &length : nullptr));
    return DispatchType(TypeList<float, double>(), Input(0).dtype(),
                        [&](auto tag) { return Run<typename decltype(tag)::type>(shape); });
  }

 private:
  template <typename T>
  absl::Status Run(const DftShape& shape) {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), shape.out));
    if (y->numel() == 0) return absl::OkStatus();
    DOPPIO_RETURN_IF_ERROR(lines_.Prepare(shape.length, args_.inverse));
    const int64_t parts = x.dims().back();
    const int64_t outer = SizeToDim(x.dims(), shape.axis);
    const int64_t inner = SizeFromDim(x.dims(), shape.axis + 1) / parts;
    const int64_t in = x.dim(shape.axis);
    const int64_t out = shape.out[shape.axis];
    for (int64_t i = 0; i < outer; ++i) {
      for (int64_t j = 0; j < inner; ++j) {
        const T* from = x.data<T>() + (i * in * inner + j) * parts;
        FourierLines::Complex* const line = lines_.line();
        for (int64_t n = 0; n < shape.length; ++n) {
          line[n] = n < in ? Number(from + n * inner * parts, parts) : FourierLines::Complex(0);
        }
        const FourierLines::Complex* const transform = lines_.Transform();
        T* to = y->mutable_data<T>() + (i * out * inner + j) * 2;
        for (int64_t k = 0; k < out; ++k) {
          to[k * inner * 2] = static_cast<T>(transform[k].real());
          to[k * inner * 2 + 1] = static_cast<T>(transform[k].imag());
        }
      }
    }
    return absl::OkStatus();
  }

  template <typename T>
  static FourierLines::Complex Number(const T* parts, int64_t count) {
    return {static_cast<double>(parts[0]), count == 1 ? 0 : static_cast<double>(parts[1])};
  }

  const DftArguments args_;
  FourierLines lines_;
};

DOPPIO_REGISTER_CPU_OPERATOR(DFT, DFTOp<CPUContext>);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(DFT);

}  // namespace
}  // namespace doppio
