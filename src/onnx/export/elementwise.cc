// One tensor, element by element: activations and functions.

#include <cmath>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "src/onnx/export/steps.h"

namespace doppio {
namespace onnx {
namespace {

// What ONNX has too, under another name or the same, with float attributes of other names or the
// same.
struct AttributeName {
  const char* caffe2;
  const char* onnx;
};
struct Twin {
  const char* caffe2;
  const char* onnx;
  AttributeName attributes[2];
};
constexpr Twin kTwins[] = {
    {"Abs", "Abs", {}},
    {"Acos", "Acos", {}},
    {"Alias", "Identity", {}},
    {"Asin", "Asin", {}},
    {"Atan", "Atan", {}},
    {"Ceil", "Ceil", {}},
    {"Copy", "Identity", {}},
    {"CopyFromCPUInput", "Identity", {}},
    {"Cos", "Cos", {}},
    {"Cosh", "Cosh", {}},
    {"Elu", "Elu", {{"alpha", "alpha"}}},
    {"EnsureCPUOutput", "Identity", {}},
    {"EnsureDense", "Identity", {}},
    {"Erf", "Erf", {}},
    {"Exp", "Exp", {}},
    {"Floor", "Floor", {}},
    {"HardSigmoid", "HardSigmoid", {{"alpha", "alpha"}, {"beta", "beta"}}},
    {"LeakyRelu", "LeakyRelu", {{"alpha", "alpha"}}},
    {"Log", "Log", {}},
    {"Negative", "Neg", {}},
    {"Not", "Not", {}},
    {"Reciprocal", "Reciprocal", {}},
    {"Relu", "Relu", {}},
    {"Selu", "Selu", {{"alpha", "alpha"}, {"scale", "gamma"}}},
    {"Sigmoid", "Sigmoid", {}},
    {"Sign", "Sign", {}},
    {"Sin", "Sin", {}},
    {"Sinh", "Sinh", {}},
    {"Softplus", "Softplus", {}},
    {"Softsign", "Softsign", {}},
    {"Sqrt", "Sqrt", {}},
    {"StopGradient", "Identity", {}},
    {"Tan", "Tan", {}},
    {"Tanh", "Tanh", {}},
    {"ThresholdedRelu", "ThresholdedRelu", {{"alpha", "alpha"}}},
};

absl::Status ExportTwin(OpExport& op) {
  for (const Twin& twin : kTwins) {
    if (op.def().type() != twin.caffe2) continue;
    std::vector<AttributeProto> attributes;
    for (const AttributeName& name : twin.attributes) {
      if (name.caffe2 == nullptr) continue;
      attributes.push_back(MakeAttribute(name.onnx, op.Float(name.caffe2)));
    }
    op.Node(twin.onnx, {op.Input(0)}, attributes, op.Output(0));
  }
  return absl::OkStatus();
}

[[maybe_unused]] const bool twins_are_registered = [] {
  for (const Twin& twin : kTwins) RegisterOpExporter(twin.caffe2, ExportTwin);
  return true;
}();

absl::Status ExportAliasWithName(OpExport& op) {
  op.Arguments({"name", "is_backward"});  // which compute nothing
  op.Node("Identity", {op.Input(0)}, {}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(AliasWithName, ExportAliasWithName);

absl::Status ExportCopyOnDeviceLike(OpExport& op) {
  op.Node("Identity", {op.Input(0)}, {}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(CopyOnDeviceLike, ExportCopyOnDeviceLike);

absl::Status ExportClip(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, op.Type(0));
  // The defaults are the ends of float; they bound doubles too.
  Clip(op, op.Input(0), op.Float("min"), op.Float("max"), dtype, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(Clip, ExportClip);

absl::Status ExportReluN(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, op.Type(0));
  const double n = op.Float("n");
  if (!(n >= 0)) return op.Unsupported("n must not be negative");
  Clip(op, op.Input(0), 0, n, dtype, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(ReluN, ExportReluN);

absl::Status ExportSqr(OpExport& op) {
  op.Node("Mul", {op.Input(0), op.Input(0)}, {}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(Sqr, ExportSqr);

absl::Status ExportCube(OpExport& op) {
  const std::string square = op.Node("Mul", {op.Input(0), op.Input(0)});
  op.Node("Mul", {square, op.Input(0)}, {}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(Cube, ExportCube);

absl::Status ExportRsqrt(OpExport& op) {
  op.Node("Reciprocal", {op.Node("Sqrt", {op.Input(0)})}, {}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(Rsqrt, ExportRsqrt);

absl::Status ExportCbrt(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, op.Type(0));
  const std::string root =
      op.Node("Pow", {op.Node("Abs", {op.Input(0)}), op.Number(1.0 / 3.0, dtype)});
  op.Node("Mul", {op.Node("Sign", {op.Input(0)}), root}, {}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(Cbrt, ExportCbrt);

absl::Status ExportScale(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, op.Type(0));
  op.Node("Mul", {op.Input(0), op.Number(op.Float("scale"), dtype)}, {}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(Scale, ExportScale);

absl::Status ExportScaleBlobs(OpExport& op) {
  const double scale = op.Float("scale");
  for (int i = 0; i < op.InputSize(); ++i) {
    op.Node("Mul", {op.Input(i), op.Number(scale, DataType::kFloat)}, {}, op.Output(i));
  }
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(ScaleBlobs, ExportScaleBlobs);

absl::Status ExportSwish(OpExport& op) {
  op.Node("Mul", {op.Input(0), op.Node("Sigmoid", {op.Input(0)})}, {}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(Swish, ExportSwish);

absl::Status ExportMish(OpExport& op) {
  const std::string gate = op.Node("Tanh", {op.Node("Softplus", {op.Input(0)})});
  op.Node("Mul", {op.Input(0), gate}, {}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(Mish, ExportMish);

// X (1 + g) / 2, with g = erf(X / sqrt(2)) or the formula that resembles it.
absl::Status ExportGelu(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, op.Type(0));
  const std::string& x = op.Input(0);
  std::string g;
  if (op.Flag("fast_gelu")) {
    const std::string square = op.Node("Mul", {x, x});
    const std::string cube = op.Node("Mul", {square, x});
    const std::string part = op.Node("Mul", {cube, op.Number(0.044715, dtype)});
    const std::string sum = op.Node("Add", {x, part});
    g = op.Node("Tanh", {op.Node("Mul", {sum, op.Number(std::sqrt(M_2_PI), dtype)})});
  } else {
    g = op.Node("Erf", {op.Node("Mul", {x, op.Number(M_SQRT1_2, dtype)})});
  }
  const std::string twice = op.Node("Mul", {x, op.Node("Add", {g, op.Number(1, dtype)})});
  op.Node("Mul", {twice, op.Number(0.5, dtype)}, {}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(Gelu, ExportGelu);

absl::Status ExportReplaceNaN(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, op.Type(0));
  const std::string is_nan = op.Node("IsNaN", {op.Input(0)});
  op.Node("Where", {is_nan, op.Number(op.Float("value"), dtype), op.Input(0)}, {}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(ReplaceNaN, ExportReplaceNaN);

absl::Status ExportIsNaN(OpExport& op) {
  Cast(op, op.Node("IsNaN", {op.Input(0)}), DataType::kUInt8, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(IsNaN, ExportIsNaN);

// The low value where X <= threshold: not where X is NaN.
absl::Status ExportStumpFunc(OpExport& op) {
  const auto number = [&](const char* name) { return op.Number(op.Float(name), DataType::kFloat); };
  const std::string is_low = op.Node("LessOrEqual", {op.Input(0), number("threshold")});
  op.Node("Where", {is_low, number("low_value"), number("high_value")}, {}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(StumpFunc, ExportStumpFunc);

absl::Status ExportMod(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, op.Type(0));
  const bool follows_divisor = op.Flag("sign_follow_divisor");
  Tensor divisor;
  const int64_t value = op.Int("divisor");
  if (dtype == DataType::kInt32) {
    if (value != static_cast<int32_t>(value)) {
      return op.Unsupported(absl::StrCat("the divisor ", value, " is no int32"));
    }
    DOPPIO_ASSIGN_OR_RETURN(divisor, Tensor::Scalar(static_cast<int32_t>(value)));
  } else {
    DOPPIO_ASSIGN_OR_RETURN(divisor, Tensor::Scalar(value));
  }
  op.Node("Mod", {op.Input(0), op.Constant("divisor", divisor)},
          {MakeAttribute("fmod", !follows_divisor)}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(Mod, ExportMod);

absl::Status ExportGlu(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const int axis, op.Axis(op.Int("dim"), 0));
  const std::string a = op.NewValue("half"), b = op.NewValue("half");
  op.Node("Split", {op.Input(0)}, {MakeAttribute("axis", axis)}, std::vector<std::string>{a, b});
  op.Node("Mul", {a, op.Node("Sigmoid", {b})}, {}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(Glu, ExportGlu);

// In a net that is trained nothing is dropped; the mask is not written.
absl::Status ExportDropout(OpExport& op) {
  const bool is_test = op.Flag("is_test");
  if (!is_test && op.Float("ratio") != 0) {
    return op.Unsupported("it drops by chance: give it is_test=1");
  }
  op.Arguments({"ratio"});
  op.Node("Identity", {op.Input(0)}, {}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(Dropout, ExportDropout);

absl::Status ExportBucketize(OpExport& op) {
  const std::vector<float> boundaries = op.Floats("boundaries");
  DOPPIO_ASSIGN_OR_RETURN(const int rank, op.Rank(0));
  const auto count = static_cast<int64_t>(boundaries.size());
  DOPPIO_ASSIGN_OR_RETURN(const Tensor bounds, Tensor::FromSpan<float>({count}, boundaries));
  // As many boundaries as lie below.
  const std::string x = Unsqueeze(op, op.Input(0), {rank});
  const std::string is_above = op.Node("Greater", {x, op.Constant("boundaries", bounds)});
  Reduce(op, "ReduceSum", Cast(op, is_above, DataType::kInt32), {rank}, false, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(Bucketize, ExportBucketize);

absl::Status ExportCast(OpExport& op) {
  const DataType to = op.TypeArgument("to", DataType::kFloat);
  op.Arguments({"from_type"});  // which only the gradient needs
  if (to == DataType::kString || to == DataType::kUndefined) {
    return op.Unsupported("what a number is as a string is not the same everywhere");
  }
  Cast(op, op.Input(0), to, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(Cast, ExportCast);

absl::Status ExportHalfToFloat(OpExport& op) {
  Cast(op, op.Input(0), DataType::kFloat, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(HalfToFloat, ExportHalfToFloat);

absl::Status ExportFloatToHalf(OpExport& op) {
  constexpr double kLargestHalf = 65504;
  std::string x = op.Input(0);
  if (op.Flag("clip")) x = Clip(op, x, -kLargestHalf, kLargestHalf, DataType::kFloat);
  Cast(op, x, DataType::kFloat16, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(FloatToHalf, ExportFloatToHalf);

}  // namespace
}  // namespace onnx
}  // namespace doppio
