#include "tests/support/kinks.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>

#include "doppio/arguments.h"
#include "doppio/schema.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

constexpr double kSmooth = std::numeric_limits<double>::infinity();

double NearestTo(const std::vector<double>& kinks, const Tensor& x) {
  double least = kSmooth;
  for (int64_t i = 0; i < x.numel(); ++i) {
    for (const double kink : kinks) {
      least = std::min(least, std::abs(ElementAsDouble(x, i) - kink));
    }
  }
  return least;
}

// How far apart the two greatest are.
double Lead(std::vector<double> values) {
  if (values.size() < 2) return kSmooth;
  std::partial_sort(values.begin(), values.begin() + 2, values.end(), std::greater<>());
  return values[0] - values[1];
}

double LeadAmongOperands(const OperatorDef& def, const std::vector<Tensor>& inputs, double sign) {
  std::map<std::string, const Tensor*> operands;
  for (int i = 0; i < def.input_size(); ++i) operands[def.input(i)] = &inputs[i];
  double least = kSmooth;
  for (int64_t e = 0; e < inputs[0].numel(); ++e) {
    std::vector<double> values;
    for (const auto& operand : operands) {
      values.push_back(sign * ElementAsDouble(*operand.second, e));
    }
    least = std::min(least, Lead(std::move(values)));
  }
  return least;
}

// Among the elements that the axes, or without any of them all, join.
double LeadAlongAxes(const Tensor& x, const std::vector<int>& axes, double sign) {
  std::map<Dims, std::vector<double>> joined;
  Dims index(x.dims().size(), 0);
  for (int64_t e = 0; e < x.numel(); ++e) {
    int64_t rest = e;
    for (size_t axis = index.size(); axis-- > 0;) {
      index[axis] = rest % x.dims()[axis];
      rest /= x.dims()[axis];
    }
    Dims kept = axes.empty() ? Dims() : index;
    for (const int axis : axes) {
      kept[static_cast<size_t>(axis < 0 ? axis + static_cast<int>(index.size()) : axis)] = 0;
    }
    joined[kept].push_back(sign * ElementAsDouble(x, e));
  }
  double least = kSmooth;
  for (auto& group : joined) least = std::min(least, Lead(std::move(group.second)));
  return least;
}

}  // namespace

double DistanceToKink(const OperatorDef& def, const std::vector<Tensor>& inputs) {
  const std::string& type = def.type();
  ArgumentReader args(def, OpSchemaRegistry::Schema(type));
  const auto arg = [&](absl::string_view name) -> double {
    return args.GetSingleArgument<float>(name);
  };
  if (type == "Relu" || type == "LeakyRelu" || type == "PRelu" || type == "Elu" || type == "Selu" ||
      type == "Abs") {
    return NearestTo({0}, inputs[0]);
  }
  if (type == "Clip") return NearestTo({arg("min"), arg("max")}, inputs[0]);
  if (type == "ReluN") return NearestTo({0, arg("n")}, inputs[0]);
  if (type == "ThresholdedRelu") return NearestTo({arg("alpha")}, inputs[0]);
  if (type == "Max") return LeadAmongOperands(def, inputs, 1);
  if (type == "Min") return LeadAmongOperands(def, inputs, -1);
  if (type == "ReduceMax" || type == "ReduceMin") {
    return LeadAlongAxes(inputs[0], args.GetRepeatedArgument<int>("axes"),
                         type == "ReduceMax" ? 1 : -1);
  }
  return kSmooth;
}

}  // namespace doppio
