// RNN, GRU and LSTM.

#include "absl/strings/str_cat.h"
#include "src/onnx/import/node_import.h"

namespace doppio {
namespace onnx {
namespace {

// `optional` are the inputs behind the third one.
absl::Status ImportRecurrent(NodeImport& node, absl::string_view type,
                             const std::vector<std::string>& optional, int outputs,
                             std::vector<Argument> args) {
  DOPPIO_RETURN_IF_ERROR(RequireTypes(node, 0, {DataType::kFloat, DataType::kDouble}));
  std::vector<std::string> inputs = {node.Input(0), node.Input(1), node.Input(2)};
  std::vector<std::string> given;
  for (size_t i = 0; i < optional.size(); ++i) {
    const int input = 3 + static_cast<int>(i);
    if (!node.HasInput(input)) continue;
    inputs.push_back(node.Input(input));
    given.push_back(optional[i]);
  }
  if (!given.empty()) args.push_back(MakeArgument("given", given));
  args.push_back(MakeArgument("direction", node.String("direction", "forward")));
  if (node.HasAttribute("hidden_size")) {
    args.push_back(MakeArgument("hidden_size", node.Int("hidden_size", 0)));
  }
  if (node.opset() >= 14) args.push_back(MakeArgument("layout", node.Int("layout", 0)));
  if (node.opset() < 7) node.Int("output_sequence", 0);  // Y is made in any case
  if (node.HasAttribute("activations")) {
    args.push_back(MakeArgument("activations", node.Strings("activations")));
  }
  for (const char* name : {"activation_alpha", "activation_beta"}) {
    if (node.HasAttribute(name)) args.push_back(MakeArgument(name, node.Floats(name)));
  }
  if (node.HasAttribute("clip")) args.push_back(MakeArgument("clip", node.Float("clip", 0)));
  std::vector<std::string> made;
  for (int o = 0; o < outputs; ++o) made.push_back(node.Output(o));
  node.Op(type, inputs, made, args);
  return absl::OkStatus();
}

absl::Status ImportRnn(NodeImport& node) {
  return ImportRecurrent(node, "RNN", {"B", "sequence_lens", "initial_h"}, 2, {});
}
DOPPIO_ONNX_IMPORT(RNN, ImportRnn);

absl::Status ImportGru(NodeImport& node) {
  return ImportRecurrent(
      node, "GRU", {"B", "sequence_lens", "initial_h"}, 2,
      {MakeArgument("linear_before_reset", node.Int("linear_before_reset", 0) != 0)});
}
DOPPIO_ONNX_IMPORT(GRU, ImportGru);

absl::Status ImportLstm(NodeImport& node) {
  return ImportRecurrent(node, "LSTM", {"B", "sequence_lens", "initial_h", "initial_c", "P"}, 3,
                         {MakeArgument("input_forget", node.Int("input_forget", 0) != 0)});
}
DOPPIO_ONNX_IMPORT(LSTM, ImportLstm);

}  // namespace
}  // namespace onnx
}  // namespace doppio
