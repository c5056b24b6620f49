#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "doppio/onnx.h"
#include "doppio/predictor.h"
#include "doppio/proto_io.h"
#include "doppio/version.h"
#include "src/onnx/export/graph_export.h"

namespace doppio {
namespace {

// The version of the format that came with these operators; below 4 weights would be inputs too.
int64_t IrVersionFor(int opset) {
  if (opset >= 15) return 8;
  if (opset >= 12) return 7;
  return opset >= 10 ? opset - 5 : 4;
}

// The same model with the weights as they are after the init nets have run, and inputs and outputs
// as Predictor finds them.
absl::StatusOr<Model> WithWeights(const Model& model) {
  PredictorOptions as_it_is;
  as_it_is.optimize = false;
  DOPPIO_ASSIGN_OR_RETURN(const auto predictor, Predictor::Create(model, as_it_is));
  Model filled;
  filled.predict = model.predict;
  filled.inputs = predictor->inputs();
  filled.outputs = predictor->outputs();
  for (const std::string& name : predictor->weights().LocalBlobs()) {
    DOPPIO_ASSIGN_OR_RETURN(filled.weights[name], predictor->weights().Fetch(name));
  }
  return filled;
}

absl::StatusOr<onnx::ModelProto> MakeModelProto(const Model& model, const OnnxOptions& options) {
  if (options.opset < kLeastWrittenOnnxOpset || options.opset > kGreatestOnnxOpset) {
    return absl::InvalidArgumentError(absl::StrCat("opset ", options.opset, "; doppio writes ",
                                                   kLeastWrittenOnnxOpset, " to ",
                                                   kGreatestOnnxOpset));
  }
  DOPPIO_ASSIGN_OR_RETURN(const Model filled, WithWeights(model));
  onnx::ModelProto proto;
  DOPPIO_ASSIGN_OR_RETURN(*proto.mutable_graph(), onnx::GraphExport(filled, options).Export());
  proto.set_ir_version(IrVersionFor(options.opset));
  proto.set_producer_name("doppio");
  proto.set_producer_version(DOPPIO_VERSION);
  onnx::OperatorSetIdProto* opset = proto.add_opset_import();
  opset->set_domain("");
  opset->set_version(options.opset);
  const size_t bytes = proto.ByteSizeLong();
  if (bytes > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the model takes ", bytes, " bytes; an ONNX file holds less than 2^31"));
  }
  return proto;
}

}  // namespace

absl::StatusOr<std::string> ModelToOnnx(const Model& model, const OnnxOptions& options) {
  DOPPIO_ASSIGN_OR_RETURN(const onnx::ModelProto proto, MakeModelProto(model, options));
  return FormatProto(proto, Encoding::kBinary);
}

absl::Status SaveOnnx(const Model& model, const std::string& path, const OnnxOptions& options) {
  DOPPIO_ASSIGN_OR_RETURN(const onnx::ModelProto proto, MakeModelProto(model, options));
  return SaveProto(proto, path, Encoding::kBinary);
}

}  // namespace doppio
