#include "doppio/coverage.h"

#include <functional>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "doppio/registry.h"
#include "src/operator/caffe2_operators.h"

namespace doppio {
namespace {

constexpr char kPlanned[] = "planned";

// From type to why doppio is not going to have it, or kPlanned.
const std::map<std::string, std::string, std::less<>>& ReasonsByType() {
  static const auto& table = *[] {
    auto* reasons = new std::map<std::string, std::string, std::less<>>;
    std::string reason = kPlanned;
    for (const absl::string_view line : absl::StrSplit(kCaffe2Operators, '\n')) {
      if (absl::StartsWith(line, "#")) continue;
      if (absl::StartsWith(line, "[")) {
        reason = std::string(line.substr(1, line.size() - 2));
        continue;
      }
      for (const absl::string_view type : absl::StrSplit(line, ' ', absl::SkipEmpty())) {
        reasons->emplace(type, reason);
      }
    }
    return reasons;
  }();
  return table;
}

constexpr OtherName kOtherNames[] = {
    // of ONNX, PyTorch, TensorFlow and Caffe
    {"addmm", "FC"},
    {"argsort", "TopK"},
    {"avgpool", "AveragePool"},
    {"batchnorm", "SpatialBN"},
    {"batchnormalization", "SpatialBN"},
    {"bceloss", "SigmoidCrossEntropyWithLogits"},
    {"bmm", "BatchMatMul"},
    {"cat", "Concat"},
    {"constant", "GivenTensorFill or ConstantFill"},
    {"constantofshape", "ConstantFill"},
    {"convolution", "Conv"},
    {"deconvolution", "ConvTranspose"},
    {"dense", "FC"},
    {"eltwise", "Sum, Mul or Max"},
    {"embedding", "Gather"},
    {"embeddingbag", "SparseLengthsSum"},
    {"equal", "EQ"},
    {"gemm", "MatMul or FC"},
    {"globalaveragepool", "AveragePool with global_pooling"},
    {"globalmaxpool", "MaxPool with global_pooling"},
    {"greater", "GT"},
    {"greaterorequal", "GE"},
    {"hardswish", "HardSigmoid and Mul"},
    {"identity", "Copy or Alias"},
    {"innerproduct", "FC"},
    {"instancenormalization", "InstanceNorm"},
    {"layernormalization", "LayerNorm"},
    {"less", "LT"},
    {"lessorequal", "LE"},
    {"linear", "FC"},
    {"logsoftmax", "Softmax and Log"},
    {"maxpooling", "MaxPool"},
    {"neg", "Negative"},
    {"pad", "PadImage"},
    {"permute", "Transpose"},
    {"pooling", "MaxPool or AveragePool"},
    {"randomnormal", "GaussianFill"},
    {"randomuniform", "UniformFill"},
    {"relu6", "Clip"},
    {"resize", "ResizeNearest or ResizeBilinear"},
    {"silu", "Swish"},
    {"softmaxcrossentropyloss", "SoftmaxWithLoss"},
    {"softmaxloss", "SoftmaxWithLoss"},
    {"stack", "Concat with add_axis"},
    {"unsqueeze", "ExpandDims"},
    {"upsample", "UpsampleNearest or UpsampleBilinear"},
    {"view", "Reshape"},
};

}  // namespace

std::vector<Caffe2Operator> Caffe2Operators() {
  std::vector<Caffe2Operator> operators;
  for (const auto& [type, reason] : ReasonsByType()) {
    const bool is_there = OperatorRegistry::Has(type);
    operators.push_back({type, is_there, is_there ? "" : reason});
  }
  return operators;
}

absl::Span<const OtherName> OtherNames() { return kOtherNames; }

std::string WhatIsKnownOf(absl::string_view type) {
  const auto found = ReasonsByType().find(type);
  if (found != ReasonsByType().end()) {
    return found->second == kPlanned
               ? "Caffe2 has it, doppio does not yet"
               : absl::StrCat("Caffe2 has it; doppio is not going to: it ", found->second);
  }
  const std::string lower = absl::AsciiStrToLower(type);
  for (const OtherName& other : kOtherNames) {
    if (other.name == lower) return absl::StrCat("its name here is ", other.here);
  }
  return "";
}

}  // namespace doppio
