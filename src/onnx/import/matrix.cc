// Sums of products, and determinants.

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "src/onnx/import/node_import.h"
#include "src/onnx/import/wider_type.h"

namespace doppio {
namespace onnx {
namespace {

absl::Status ImportDet(NodeImport& node) {
  InWiderType(
      node, {node.Input(0)}, node.Output(0),
      [&](const auto& inputs, const std::string& output) { node.Op("Det", inputs, {output}); });
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(Det, ImportDet);

// The letters of an equation with an arrow, one for each dimension.
struct Letters {
  std::vector<std::string> inputs;
  std::string output;
};

bool Has(const std::string& letters, char letter) {
  return letters.find(letter) != std::string::npos;
}

// Each letter once, and nothing else.
bool AreDistinct(std::string letters) {
  std::sort(letters.begin(), letters.end());
  return std::all_of(letters.begin(), letters.end(),
                     [](char c) { return absl::ascii_isalpha(c); }) &&
         std::adjacent_find(letters.begin(), letters.end()) == letters.end();
}

// None where there is more in the equation (diagonals, dimensions without letters), or where an
// input is not known to have the dimensions that it should have.
std::optional<Letters> SimpleLetters(NodeImport& node, const std::string& equation) {
  const std::vector<std::string> sides =
      absl::StrSplit(absl::StrReplaceAll(equation, {{" ", ""}}), "->");
  if (sides.size() != 2) return std::nullopt;
  Letters letters = {absl::StrSplit(sides[0], ','), sides[1]};
  if (static_cast<int>(letters.inputs.size()) != node.InputSize()) return std::nullopt;
  for (size_t i = 0; i < letters.inputs.size(); ++i) {
    const std::string& input = letters.inputs[i];
    const auto size = static_cast<int>(input.size());
    if (!AreDistinct(input) || node.Rank(static_cast<int>(i)) != size) return std::nullopt;
  }
  const bool is_made = std::all_of(letters.output.begin(), letters.output.end(),
                                   [&](char letter) { return Has(sides[0], letter); });
  if (!is_made || !AreDistinct(letters.output)) return std::nullopt;
  return letters;
}

// `from` and `to` are the same letters.
void AddTranspose(NodeImport& node, const std::string& input, const std::string& from,
                  const std::string& to, const std::string& output) {
  std::vector<int64_t> axes;
  for (const char letter : to) axes.push_back(static_cast<int64_t>(from.find(letter)));
  node.Op("Transpose", {input}, {output}, {MakeArgument("axes", axes)});
}

// What is not in the output is summed.
void AddSum(NodeImport& node, const std::string& input, const std::string& letters,
            const std::string& wanted, const std::string& output) {
  std::string kept;
  std::vector<int64_t> axes;
  for (size_t i = 0; i < letters.size(); ++i) {
    if (Has(wanted, letters[i])) {
      kept.push_back(letters[i]);
    } else {
      axes.push_back(static_cast<int64_t>(i));
    }
  }
  if (axes.empty()) return AddTranspose(node, input, letters, wanted, output);
  const std::string sum = kept == wanted ? output : node.NewBlob("sum");
  node.Op("ReduceSum", {input}, {sum},
          {MakeArgument("axes", axes), MakeArgument("keepdims", false)});
  if (kept != wanted) AddTranspose(node, sum, kept, wanted, output);
}

// A product of matrices, for each index of a batch: [batch, row, inner] by [batch, inner, column].
struct Product {
  std::string batch;
  std::string row;
  std::string inner;
  std::string column;
};

std::optional<Product> ProductOf(const std::string& a, const std::string& b,
                                 const std::string& output) {
  Product product;
  for (const char letter : a) {
    std::string& place = !Has(b, letter)       ? product.row
                         : Has(output, letter) ? product.batch
                                               : product.inner;
    place.push_back(letter);
  }
  for (const char letter : b) {
    if (!Has(a, letter)) product.column.push_back(letter);
  }
  if (product.row.size() != 1 || product.inner.size() != 1 || product.column.size() != 1) {
    return std::nullopt;
  }
  // What one factor alone has must not be summed.
  if (!Has(output, product.row[0]) || !Has(output, product.column[0])) return std::nullopt;
  return product;
}

// The operand with its batch first; `is_transposed` where its last two dimensions, which are to be
// those of `matrix`, stand the other way round.
std::string AddFactor(NodeImport& node, const std::string& input, const std::string& letters,
                      const std::string& batch, const std::string& matrix, bool* is_transposed) {
  *is_transposed = letters == absl::StrCat(batch, std::string(matrix.rbegin(), matrix.rend()));
  if (*is_transposed || letters == absl::StrCat(batch, matrix)) return input;
  const std::string factor = node.NewBlob("factor");
  AddTranspose(node, input, letters, absl::StrCat(batch, matrix), factor);
  return factor;
}

void AddProduct(NodeImport& node, const std::vector<std::string>& inputs, const Letters& letters,
                const Product& product, const std::string& output) {
  bool trans_a, trans_b;
  const std::string a = AddFactor(node, inputs[0], letters.inputs[0], product.batch,
                                  absl::StrCat(product.row, product.inner), &trans_a);
  const std::string b = AddFactor(node, inputs[1], letters.inputs[1], product.batch,
                                  absl::StrCat(product.inner, product.column), &trans_b);
  const std::string made = absl::StrCat(product.batch, product.row, product.column);
  const std::string y = made == letters.output ? output : node.NewBlob("product");
  node.Op("BatchMatMul", {a, b}, {y},
          {MakeArgument("trans_a", trans_a), MakeArgument("trans_b", trans_b)});
  if (made != letters.output) AddTranspose(node, y, made, letters.output, output);
}

bool IsInteger(DataType type) { return IsNumeric(type) && !IsFloatingPoint(type); }

absl::Status ImportEinsum(NodeImport& node) {
  const std::string equation = node.String("equation", "");
  if (node.InputSize() == 0) return absl::InvalidArgumentError("there are no inputs");
  const std::optional<Letters> letters = SimpleLetters(node, equation);
  std::optional<Product> product;
  if (letters.has_value() && node.InputSize() == 2 && !IsInteger(node.dtype(0))) {
    product = ProductOf(letters->inputs[0], letters->inputs[1], letters->output);
  }
  InWiderType(node, node.Inputs(), node.Output(0),
              [&](const auto& inputs, const std::string& output) {
                if (letters.has_value() && inputs.size() == 1) {
                  AddSum(node, inputs[0], letters->inputs[0], letters->output, output);
                } else if (product.has_value()) {
                  AddProduct(node, inputs, *letters, *product, output);
                } else {
                  node.Op("Einsum", inputs, {output}, {MakeArgument("equation", equation)});
                }
              });
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(Einsum, ImportEinsum);

}  // namespace
}  // namespace onnx
}  // namespace doppio
