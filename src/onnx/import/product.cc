#include "src/onnx/import/product.h"

#include "doppio/tensor.h"

namespace doppio {
namespace onnx {
namespace {

// A constant matrix, transposed.
absl::StatusOr<Tensor> Transposed(const Tensor& matrix) {
  const int64_t rows = matrix.dim(0);
  const int64_t columns = matrix.dim(1);
  DOPPIO_ASSIGN_OR_RETURN(Tensor turned, Tensor::Create(matrix.dtype(), {columns, rows}));
  DOPPIO_RETURN_IF_ERROR(
      DispatchType(TypeList<float, double>(), matrix.dtype(), [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        const T* from = matrix.data<T>();
        T* to = turned.mutable_data<T>();
        for (int64_t i = 0; i < rows; ++i) {
          for (int64_t j = 0; j < columns; ++j) to[j * rows + i] = from[i * columns + j];
        }
        return absl::OkStatus();
      }));
  return turned;
}

// Y = X W^T + b; false where B is no W and can not become one, or C no vector.
absl::StatusOr<bool> AddFullyConnected(NodeImport& node, bool is_transposed) {
  const std::optional<Dims> b = node.Info(node.Input(1)).dims;
  const std::optional<Dims> c = node.Info(node.Input(2)).dims;
  if (!b.has_value() || b->size() != 2 || !c.has_value()) return false;
  if (*c != Dims{(*b)[is_transposed ? 0 : 1]}) return false;
  std::string w = node.Input(1);
  if (!is_transposed) {
    const Tensor* value = node.Value(1);
    if (value == nullptr) return false;
    DOPPIO_ASSIGN_OR_RETURN(const Tensor turned, Transposed(*value));
    w = node.Constant("w", turned);
  }
  node.Op("FC", {node.Input(0), w, node.Input(2)}, {node.Output(0)});
  return true;
}

std::string Scaled(NodeImport& node, const std::string& blob, float factor) {
  if (factor == 1) return blob;
  const std::string scaled = node.NewBlob("scaled");
  node.Op("Scale", {blob}, {scaled}, {MakeArgument("scale", factor)});
  return scaled;
}

absl::Status ImportGemm(NodeImport& node) {
  DOPPIO_RETURN_IF_ERROR(RequireTypes(node, 0, {DataType::kFloat, DataType::kDouble}));
  const float alpha = node.Float("alpha", 1);
  const float beta = node.Float("beta", 1);
  const bool trans_a = node.Int("transA", 0) != 0;
  const bool trans_b = node.Int("transB", 0) != 0;
  if (node.opset() < 7) node.Int("broadcast", 0);  // shapes that are equal are not changed by it
  const bool has_c = node.HasInput(2);
  if (has_c && !trans_a && alpha == 1 && beta == 1) {
    DOPPIO_ASSIGN_OR_RETURN(const bool is_done, AddFullyConnected(node, trans_b));
    if (is_done) return absl::OkStatus();
  }
  std::vector<Argument> args;
  if (trans_a) args.push_back(MakeArgument("trans_a", 1));
  if (trans_b) args.push_back(MakeArgument("trans_b", 1));
  const bool is_product_alone = !has_c && alpha == 1;
  const std::string product = is_product_alone ? node.Output(0) : node.NewBlob("product");
  node.Op("MatMul", {node.Input(0), node.Input(1)}, {product}, args);
  if (is_product_alone) return absl::OkStatus();
  if (!has_c) {
    node.Op("Scale", {product}, {node.Output(0)}, {MakeArgument("scale", alpha)});
    return absl::OkStatus();
  }
  const std::string scaled = Scaled(node, product, alpha);
  node.Op("Add", {scaled, Scaled(node, node.Input(2), beta)}, {node.Output(0)});
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(Gemm, ImportGemm);

absl::Status ImportMatMul(NodeImport& node) {
  DOPPIO_RETURN_IF_ERROR(RequireTypes(node, 0, {DataType::kFloat, DataType::kDouble}));
  return AddMatMul(node, 1, node.Input(0), node.Input(1), node.Output(0));
}
DOPPIO_ONNX_IMPORT(MatMul, ImportMatMul);

}  // namespace

absl::Status AddMatMul(NodeImport& node, int b_input, const std::string& a, const std::string& b,
                       const std::string& y) {
  const std::optional<int> a_rank = node.Rank(0);
  const std::optional<int> b_rank = node.Rank(b_input);
  if (a_rank == 2 && b_rank == 2) {
    node.Op("MatMul", {a, b}, {y});
    return absl::OkStatus();
  }
  const bool are_vectors = a_rank == 1 && b_rank == 1;
  if (!are_vectors && a_rank.value_or(1) == 1 && b_rank.value_or(1) == 1) {
    return NodeImport::Unsupported(
        "neither of the ranks of A and B is known, which may be vectors");
  }
  const std::string product = are_vectors ? node.NewBlob("product") : y;
  node.Op("BatchMatMul", {a, b}, {product}, {MakeArgument("broadcast", 1)});
  if (are_vectors)
    node.Op("Squeeze", {product}, {y}, {MakeArgument("dims", std::vector<int64_t>{0})});
  return absl::OkStatus();
}

}  // namespace onnx
}  // namespace doppio
