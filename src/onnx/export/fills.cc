// What a net fills by the shape of what it is given. A fill that needs nothing is a constant.

#include "doppio/op_def.h"
#include "doppio/workspace.h"
#include "src/onnx/export/steps.h"

namespace doppio {
namespace onnx {
namespace {

// A vector of one: what the operator fills with.
absl::StatusOr<Tensor> FilledValue(const OpExport& op) {
  OperatorDef one = CreateOperatorDef("ConstantFill", "", {}, {"value"},
                                      {MakeArgument("shape", std::vector<int64_t>{1})});
  const Argument* of_input = FindArgument(op.def(), "dtype_of_input");
  const bool has_type_of_input = of_input != nullptr && of_input->i() != 0;
  for (const char* name : {"value", "dtype"}) {
    if (has_type_of_input && name == std::string("dtype")) continue;
    if (const Argument* given = FindArgument(op.def(), name)) *one.add_arg() = *given;
  }
  if (has_type_of_input) {
    DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, op.Type(0));
    *one.add_arg() = MakeArgument("dtype", std::string(DataTypeName(dtype)));
  }
  Workspace workspace;
  DOPPIO_RETURN_IF_ERROR(workspace.RunOperatorOnce(one));
  return workspace.Fetch("value");
}

absl::Status ExportConstantFill(OpExport& op) {
  op.Arguments({"shape", "value", "dtype", "dtype_of_input"});
  if (op.InputSize() != 1) return op.Unsupported("its value is not known");
  DOPPIO_ASSIGN_OR_RETURN(const Tensor value, FilledValue(op));
  op.SetOutput(0, value.dtype());
  std::string shape;
  if (op.Flag("input_as_shape")) {
    DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, op.Type(0));
    shape = dtype == DataType::kInt64 ? op.Input(0) : Cast(op, op.Input(0), DataType::kInt64);
  } else {
    shape = op.Node("Shape", {op.Input(0)});
  }
  const std::vector<int64_t> extra = op.Ints("extra_shape");
  if (!extra.empty()) shape = Concat(op, {shape, op.Int64s(extra)}, 0);
  op.Node("ConstantOfShape", {shape}, {MakeAttribute("value", value)}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(ConstantFill, ExportConstantFill);

}  // namespace
}  // namespace onnx
}  // namespace doppio
