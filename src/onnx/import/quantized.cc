// Numbers of 8 bits. Sums of their products are made in double, which holds them exactly.

#include "absl/strings/str_cat.h"
#include "src/onnx/import/product.h"
#include "src/onnx/import/window.h"

namespace doppio {
namespace onnx {
namespace {

int TypeNumber(DataType type) { return static_cast<int>(type); }

absl::Status AddLinear(NodeImport& node, absl::string_view type) {
  std::vector<Argument> args;
  if (node.opset() >= 13) args.push_back(MakeArgument("axis", node.Int("axis", 1)));
  const std::vector<std::string> inputs = node.Inputs();
  node.Op(type, inputs, {node.Output(0)}, args);
  return absl::OkStatus();
}

absl::Status ImportQuantizeLinear(NodeImport& node) { return AddLinear(node, "QuantizeLinear"); }
DOPPIO_ONNX_IMPORT(QuantizeLinear, ImportQuantizeLinear);
absl::Status ImportDequantizeLinear(NodeImport& node) {
  return AddLinear(node, "DequantizeLinear");
}
DOPPIO_ONNX_IMPORT(DequantizeLinear, ImportDequantizeLinear);

absl::Status ImportDynamicQuantizeLinear(NodeImport& node) {
  node.Op("DynamicQuantizeLinear", {node.Input(0)},
          {node.Output(0), node.Output(1), node.Output(2)});
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(DynamicQuantizeLinear, ImportDynamicQuantizeLinear);

std::string AsDouble(NodeImport& node, const std::string& blob) {
  const std::string number = node.NewBlob("double");
  node.Op("Cast", {blob}, {number}, {MakeArgument("to", TypeNumber(DataType::kDouble))});
  return number;
}

// A scale or zero point, which is one number or a vector. A vector gets dimensions of 1 behind it.
absl::StatusOr<std::string> Factor(NodeImport& node, int input, int ones) {
  const std::string& blob = node.Input(input);
  const std::optional<Dims> dims = node.Info(blob).dims;
  if (!dims.has_value()) {
    return NodeImport::Unsupported(absl::StrCat("input ", input, " of unknown shape"));
  }
  const std::string number = AsDouble(node, blob);
  if (ones == 0 || dims->size() != 1 || (*dims)[0] == 1) return number;
  Ints more;
  for (int d = 1; d <= ones; ++d) more.push_back(d);
  const std::string expanded = node.NewBlob("expanded");
  node.Op("ExpandDims", {number}, {expanded}, {MakeArgument("dims", more)});
  return expanded;
}

// The numbers less their zero point, in double.
absl::StatusOr<std::string> Centered(NodeImport& node, int input, int zero_point, int ones) {
  const std::string number = AsDouble(node, node.Input(input));
  if (!node.HasInput(zero_point)) return number;
  DOPPIO_ASSIGN_OR_RETURN(const std::string zero, Factor(node, zero_point, ones));
  const std::string centered = node.NewBlob("centered");
  node.Op("Sub", {number, zero}, {centered});
  return centered;
}

// What Y is in int32.
void AddIntegers(NodeImport& node, const std::string& sum) {
  node.Op("Cast", {sum}, {node.Output(0)}, {MakeArgument("to", TypeNumber(DataType::kInt32))});
}

// y = the sums, which count in units of both scales, in units of the last one.
absl::Status AddRequantized(NodeImport& node, const std::string& sum, const std::string& scale_a,
                            const std::string& scale_b, int y_scale) {
  const std::optional<Dims> dims = node.Info(node.Input(y_scale)).dims;
  if (!dims.has_value() || SizeFromDim(*dims, 0) != 1) {
    return NodeImport::Unsupported("a y_scale that is not known to be a single number");
  }
  const std::string once = node.NewBlob("scaled");
  const std::string twice = node.NewBlob("scaled");
  node.Op("Mul", {sum, scale_a}, {once});
  node.Op("Mul", {once, scale_b}, {twice});
  node.Op("QuantizeLinear", {twice, node.Input(y_scale), node.Input(y_scale + 1)},
          {node.Output(0)});
  return absl::OkStatus();
}

// Dimensions behind that of a filter.
int OnesOf(const ImageWindow& window) { return static_cast<int>(window.rank()) + 1; }

// The convolution in double of inputs x and w, whose zero points are given.
absl::StatusOr<std::string> AddConv(NodeImport& node, const ImageWindow& window, int x, int x_zero,
                                    int w, int w_zero, int bias) {
  const int ones = OnesOf(window);
  DOPPIO_ASSIGN_OR_RETURN(const std::string image, Centered(node, x, x_zero, 0));
  DOPPIO_ASSIGN_OR_RETURN(const std::string filter, Centered(node, w, w_zero, ones));
  std::vector<std::string> inputs = {image, filter};
  if (bias >= 0 && node.HasInput(bias)) inputs.push_back(AsDouble(node, node.Input(bias)));
  std::vector<Argument> args = window.Arguments();
  if (const int64_t group = node.Int("group", 1); group != 1) {
    args.push_back(MakeArgument("group", group));
  }
  const std::string sum = node.NewBlob("sum");
  node.Op("Conv", inputs, {sum}, args);
  return sum;
}

absl::Status ImportConvInteger(NodeImport& node) {
  DOPPIO_ASSIGN_OR_RETURN(const ImageWindow window, ReadConvWindow(node, 0, 1));
  DOPPIO_ASSIGN_OR_RETURN(const std::string sum, AddConv(node, window, 0, 2, 1, 3, -1));
  AddIntegers(node, sum);
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(ConvInteger, ImportConvInteger);

absl::Status ImportQLinearConv(NodeImport& node) {
  DOPPIO_ASSIGN_OR_RETURN(const ImageWindow window, ReadConvWindow(node, 0, 3));
  DOPPIO_ASSIGN_OR_RETURN(const std::string sum, AddConv(node, window, 0, 2, 3, 5, 8));
  DOPPIO_ASSIGN_OR_RETURN(const std::string x_scale, Factor(node, 1, 0));
  DOPPIO_ASSIGN_OR_RETURN(const std::string w_scale, Factor(node, 4, OnesOf(window) - 1));
  return AddRequantized(node, sum, x_scale, w_scale, 6);
}
DOPPIO_ONNX_IMPORT(QLinearConv, ImportQLinearConv);

absl::Status ImportMatMulInteger(NodeImport& node) {
  DOPPIO_ASSIGN_OR_RETURN(const std::string a, Centered(node, 0, 2, 1));
  DOPPIO_ASSIGN_OR_RETURN(const std::string b, Centered(node, 1, 3, 0));
  const std::string sum = node.NewBlob("sum");
  DOPPIO_RETURN_IF_ERROR(AddMatMul(node, 1, a, b, sum));
  AddIntegers(node, sum);
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(MatMulInteger, ImportMatMulInteger);

absl::Status ImportQLinearMatMul(NodeImport& node) {
  DOPPIO_ASSIGN_OR_RETURN(const std::string a, Centered(node, 0, 2, 1));
  DOPPIO_ASSIGN_OR_RETURN(const std::string b, Centered(node, 3, 5, 0));
  const std::string sum = node.NewBlob("sum");
  DOPPIO_RETURN_IF_ERROR(AddMatMul(node, 3, a, b, sum));
  DOPPIO_ASSIGN_OR_RETURN(const std::string a_scale, Factor(node, 1, 1));
  DOPPIO_ASSIGN_OR_RETURN(const std::string b_scale, Factor(node, 4, 0));
  return AddRequantized(node, sum, a_scale, b_scale, 6);
}
DOPPIO_ONNX_IMPORT(QLinearMatMul, ImportQLinearMatMul);

}  // namespace
}  // namespace onnx
}  // namespace doppio
