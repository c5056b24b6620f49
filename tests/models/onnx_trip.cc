#include "tests/models/onnx_trip.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "doppio/onnx.h"
#include "doppio/predictor.h"
#include "tests/support/onnxruntime.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

double Difference(const std::vector<Tensor>& actual, const std::vector<Tensor>& expected) {
  double largest_difference = 0;
  for (size_t o = 0; o < expected.size(); ++o) {
    const Tensor& a = actual[o];
    const Tensor& e = expected[o];
    if (a.dtype() != e.dtype() || a.dims() != e.dims()) return INFINITY;
    double difference = 0, largest = 0;
    for (int64_t i = 0; i < e.numel(); ++i) {
      const double wanted = ElementAsDouble(e, i);
      const double apart = std::abs(ElementAsDouble(a, i) - wanted);
      difference = std::isnan(apart) ? INFINITY : std::max(difference, apart);
      largest = std::max(largest, std::abs(wanted));
    }
    largest_difference = std::max(largest_difference, difference / (largest == 0 ? 1 : largest));
  }
  return largest_difference;
}

absl::StatusOr<std::vector<Tensor>> Run(const Predictor& predictor,
                                        const std::map<std::string, Tensor>& inputs) {
  std::vector<Tensor> in_order;
  for (const std::string& name : predictor.inputs()) in_order.push_back(inputs.at(name));
  return predictor.Run(in_order);
}

std::string Share(double difference) {
  return difference < 0 ? "not compared" : absl::StrCat("differs by ", difference);
}

}  // namespace

std::string OnnxTrip::ToString() const {
  if (!refused.empty()) return absl::StrCat("refused: ", refused);
  return absl::StrCat("written; read again: ", Share(of_reader),
                      "; ONNX Runtime: ", Share(of_onnxruntime));
}

absl::StatusOr<OnnxTrip> TakeToOnnx(Model model, const std::map<std::string, Tensor>& inputs) {
  OnnxTrip trip;
  OnnxOptions options;
  model.inputs.clear();
  for (const auto& [name, tensor] : inputs) {
    model.inputs.push_back(name);
    options.inputs[name] = {tensor.dtype(), Dims(tensor.dims().begin(), tensor.dims().end()),
                            std::nullopt};
  }
  const absl::StatusOr<std::string> bytes = ModelToOnnx(model, options);
  if (absl::IsUnimplemented(bytes.status())) {
    trip.refused = std::string(bytes.status().message());
    return trip;
  }
  DOPPIO_RETURN_IF_ERROR(bytes.status());
  PredictorOptions as_it_is;
  as_it_is.optimize = false;
  DOPPIO_ASSIGN_OR_RETURN(const auto predictor, Predictor::Create(std::move(model), as_it_is));
  DOPPIO_ASSIGN_OR_RETURN(const std::vector<Tensor> expected, Run(*predictor, inputs));

  absl::StatusOr<Model> read = ModelFromOnnx(*bytes);
  if (!absl::IsUnimplemented(read.status())) {
    DOPPIO_RETURN_IF_ERROR(read.status());
    DOPPIO_ASSIGN_OR_RETURN(const auto again, Predictor::Create(*std::move(read), as_it_is));
    DOPPIO_ASSIGN_OR_RETURN(const std::vector<Tensor> outputs, Run(*again, inputs));
    trip.of_reader = Difference(outputs, expected);
  }
  const absl::StatusOr<std::vector<Tensor>> outputs =
      RunInOnnxRuntime(*bytes, inputs, predictor->outputs());
  if (!absl::IsNotFound(outputs.status())) {
    DOPPIO_RETURN_IF_ERROR(outputs.status());
    trip.of_onnxruntime = Difference(*outputs, expected);
  }
  return trip;
}

}  // namespace doppio
