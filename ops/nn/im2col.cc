#include "ops/nn/im2col.h"

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/nn/spatial.h"

namespace doppio {

WindowArguments ReadColumnArguments(ArgumentReader* reader) {
  WindowArguments args;
  const auto pair = [&](const std::string& name, int fallback) -> std::vector<int> {
    const int both = reader->GetSingleArgument<int>(name, fallback);
    return {reader->GetSingleArgument<int>(absl::StrCat(name, "_h"), both),
            reader->GetSingleArgument<int>(absl::StrCat(name, "_w"), both)};
  };
  args.kernel = pair("kernel", 0);
  args.stride = pair("stride", 1);
  args.dilation = pair("dilation", 1);
  args.pads.assign(4, reader->GetSingleArgument<int>("pad", 0));
  args.adjust.assign(2, 0);
  const std::string order = reader->GetSingleArgument<std::string>("order", "NCHW");
  args.channels_last = order == "NHWC" || order == "nhwc";
  if (!args.channels_last && order != "NCHW" && order != "nchw") {
    reader->Fail(absl::InvalidArgumentError(
        absl::StrCat("argument \"order\" is \"", order, "\", must be NCHW or NHWC")));
  }
  reader->Fail(args.Verify(WindowUse::kConvolution));
  args.status = reader->status();
  return args;
}

void StateColumnArguments(OpSchema& schema) {
  for (const char* name : {"kernel", "stride", "dilation"}) {
    schema.OptionalArg<int64_t>(name, absl::StrCat(name, " in both directions"))
        .OptionalArg<int64_t>(absl::StrCat(name, "_h"), absl::StrCat("vertical ", name))
        .OptionalArg<int64_t>(absl::StrCat(name, "_w"), absl::StrCat("horizontal ", name));
  }
  schema.Arg<int>("pad", "padding on all four sides", 0)
      .Arg<std::string>("order", "NCHW or NHWC", "NCHW");
}

absl::StatusOr<Columns> ColumnsOf(const WindowArguments& args, DimsView x) {
  DOPPIO_ASSIGN_OR_RETURN(const Window window, PlaceWindow(args, x));
  for (size_t d = 0; d < 2; ++d) {
    const int64_t reach = window.dilation[d] * (window.kernel[d] - 1) + 1;
    if (reach <= window.in[d]) continue;
    return absl::InvalidArgumentError(absl::StrCat("the kernel of ", reach,
                                                   " (dilation included) is larger than the "
                                                   "image X ",
                                                   ShapeToString(x)));
  }
  Columns columns;
  ColumnShape& c = columns.shape;
  c.batch = window.batch;
  c.channels = window.channels;
  c.in = ToSpatial(window.in, 1);
  c.out = ToSpatial(window.out, 1);
  c.kernel = ToSpatial(window.kernel, 1);
  c.stride = ToSpatial(window.stride, 1);
  c.dilation = ToSpatial(window.dilation, 1);
  c.pad = ToSpatial(window.pad_head, 0);
  c.x = StridesOf(c.channels, c.in, args.channels_last);
  DOPPIO_ASSIGN_OR_RETURN(const int64_t taps, CheckedProduct(c.channels, window.kernel_size()));
  columns.dims = ImageDims(window.batch, taps, window.out, args.channels_last);
  DOPPIO_RETURN_IF_ERROR(NumElements(columns.dims).status());
  c.columns = StridesOf(taps, c.out, args.channels_last);
  if (args.channels_last) {
    c.taps = {0, c.kernel[2] * c.channels, c.channels};
  } else {
    const int64_t places = c.columns.inner;
    c.taps = {0, c.kernel[2] * places, places};
    c.columns.inner = window.kernel_size() * places;
  }
  return columns;
}

namespace {

DOPPIO_OPERATOR_SCHEMA(Im2Col)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc(R"DOC(
Writes out the windows of an image: Y holds what each tap of a sliding window sees in each place, so
that a convolution is a matrix product. Padding counts as 0.

Example: X [1,3,8,8] with kernel 3 gives Y [1,27,6,6]; in NHWC, X [1,8,8,3] gives Y [1,6,6,27].
)DOC")
    .FillUsing(StateColumnArguments)
    .Input(0, "X", "image of float or double, [N,C,H,W] or [N,H,W,C]")
    .Output(0, "Y",
            "[N, C kernel_h kernel_w, out_h, out_w], or [N, out_h, out_w, kernel_h kernel_w C]")
    .Flops([](const auto&, const auto&, const auto&) { return 0; })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_ASSIGN_OR_RETURN(const Columns columns,
                              ColumnsOf(ReadColumnArguments(context), context->dims(0)));
      context->SetOutput(0, context->dtype(0), columns.dims);
      return absl::OkStatus();
    });

template <class Context>
class Im2ColOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit Im2ColOp(OperatorInit* init)
      : Operator<Context>(init), args_(ReadColumnArguments(init)) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const Columns columns, ColumnsOf(args_, x.dims()));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), columns.dims));
      Im2Col(columns.shape, x.data<T>(), y->mutable_data<T>(), &context_);
      return absl::OkStatus();
    });
  }

 private:
  const WindowArguments args_;
};

class GetIm2ColGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("Col2Im", "", {GO(0), I(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Im2Col, Im2ColOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(Im2Col, GetIm2ColGradient);

}  // namespace
}  // namespace doppio
