#include "src/graph/gradient_accumulator.h"

#include <algorithm>

#include "absl/strings/strip.h"

namespace doppio {
namespace {

// The input whose gradient `name` is (a part of), or -1.
int InputOfGradient(const std::vector<GradientWrapper>& g_input, const std::string& name) {
  for (size_t i = 0; i < g_input.size(); ++i) {
    const GradientWrapper& g = g_input[i];
    if (!g.IsEmpty() && (g.dense == name || g.indices == name || g.values == name))
      return static_cast<int>(i);
  }
  return -1;
}

bool SameDevice(const DeviceOption& a, const DeviceOption& b) {
  return a.device_type() == b.device_type() && a.device_id() == b.device_id();
}

}  // namespace

void GradientAccumulator::AddGenerated(const OperatorDef& forward, const Ssa::Op& versions,
                                       int first, const std::vector<GradientWrapper>& g_input,
                                       const std::set<std::string>& made) {
  std::map<int, Generator> sparse;  // by input
  for (int op = first; op < static_cast<int>(ops_->size()); ++op) {
    const OperatorDef& def = (*ops_)[op];
    for (int index = 0; index < def.output_size(); ++index) {
      const int input = InputOfGradient(g_input, def.output(index));
      if (input < 0) continue;
      const GradientWrapper& gradient = g_input[input];
      if (gradient.IsDense()) {
        const std::string& blob = forward.input(input);
        AddDense(blob, versions.in_version.at(blob), {op, index, gradient});
        continue;
      }
      Generator& generator = sparse[input];
      generator.gradient = gradient;
      if (gradient.indices == def.output(index)) {
        generator.op = op;
        generator.index = index;
      } else {
        generator.values_op = op;
        generator.values_index = index;
      }
    }
  }
  for (auto& [input, generator] : sparse) {
    const std::string& blob = forward.input(input);
    generators_[{blob, versions.in_version.at(blob)}].push_back(std::move(generator));
  }
  for (int i = 0; i < forward.input_size(); ++i) {
    const GradientWrapper& gradient = g_input[i];
    const bool is_made =
        made.count(gradient.dense) + made.count(gradient.indices) + made.count(gradient.values) > 0;
    if (gradient.IsEmpty() || is_made) continue;
    Generator passed_on;
    passed_on.gradient = gradient;
    generators_[{forward.input(i), versions.in_version.at(forward.input(i))}].push_back(
        std::move(passed_on));
  }
}

absl::StatusOr<GradientWrapper> GradientAccumulator::Sum(const std::string& blob, int version) {
  const auto found = generators_.find({blob, version});
  if (found == generators_.end()) return GradientWrapper();
  const Generators& generators = found->second;
  const bool is_sparse = generators.front().gradient.IsSparse();
  for (const Generator& generator : generators) {
    if (generator.gradient.IsSparse() != is_sparse) {
      return absl::UnimplementedError(
          absl::StrCat("\"", blob, "\" has dense and sparse gradients, which can not be summed"));
    }
  }
  if (generators.size() < 2) return GradientWrapper();
  DOPPIO_RETURN_IF_ERROR(CheckSameDevice(blob, generators));
  const std::string base = BaseName(blob, generators);
  return is_sparse ? SumSparse(base, generators) : SumDense(base, generators);
}

absl::Status GradientAccumulator::CheckSameDevice(const std::string& blob,
                                                  const Generators& generators) const {
  const DeviceOption* device = nullptr;
  for (const Generator& generator : generators) {
    for (int op : {generator.op, generator.values_op}) {
      if (op < 0 || !(*ops_)[op].has_device_option()) continue;
      const DeviceOption& other = (*ops_)[op].device_option();
      if (device != nullptr && !SameDevice(*device, other)) {
        return absl::FailedPreconditionError(absl::StrCat(
            "the gradients of \"", blob, "\" are made on different devices and can not be summed"));
      }
      device = &other;
    }
  }
  return absl::OkStatus();
}

std::string GradientAccumulator::BaseName(const std::string& blob,
                                          const Generators& generators) const {
  for (const Generator& generator : generators) {
    if (generator.op >= 0) {
      const std::string& name = (*ops_)[generator.op].output(generator.index);
      return generator.gradient.IsSparse() ? std::string(absl::StripSuffix(name, "_indices"))
                                           : name;
    }
    if (generator.values_op >= 0) {
      return std::string(absl::StripSuffix(
          (*ops_)[generator.values_op].output(generator.values_index), "_values"));
    }
  }
  return blob + "_grad";
}

std::string GradientAccumulator::RenameOutput(int op, int index, int* count) {
  std::string* output = (*ops_)[op].mutable_output(index);
  *output = absl::StrCat("_", *output, "_autosplit_", (*count)++);
  return *output;
}

void GradientAccumulator::SetDevice(const Generators& generators, OperatorDef* sum) const {
  for (const Generator& generator : generators) {
    const int op = generator.values_op >= 0 ? generator.values_op : generator.op;
    if (op < 0) continue;
    if ((*ops_)[op].has_device_option())
      *sum->mutable_device_option() = (*ops_)[op].device_option();
    return;
  }
}

namespace {

absl::Status CheckPassedOn(const std::string& base, const std::string& name) {
  if (base != name) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the gradient \"", name, "\" is passed on and also the name of the sum that it is part of"));
}

}  // namespace

absl::StatusOr<GradientWrapper> GradientAccumulator::SumDense(const std::string& base,
                                                              const Generators& generators) {
  std::vector<std::string> inputs;
  bool is_first = true;
  int count = 0;
  for (const Generator& generator : generators) {
    if (generator.op < 0) {
      DOPPIO_RETURN_IF_ERROR(CheckPassedOn(base, generator.gradient.dense));
      inputs.push_back(generator.gradient.dense);
    } else if (is_first) {
      is_first = false;
      inputs.push_back((*ops_)[generator.op].output(generator.index));
    } else {
      inputs.push_back(RenameOutput(generator.op, generator.index, &count));
    }
  }
  // Sum may only write to its first input.
  const auto same = std::find(inputs.begin(), inputs.end(), base);
  if (same != inputs.end()) std::iter_swap(inputs.begin(), same);
  OperatorDef sum = CreateOperatorDef("Sum", "", inputs, {base});
  SetDevice(generators, &sum);
  ops_->push_back(std::move(sum));
  return GradientWrapper::Dense(base);
}

absl::StatusOr<GradientWrapper> GradientAccumulator::SumSparse(const std::string& base,
                                                               const Generators& generators) {
  std::vector<std::string> indices;
  std::vector<std::string> values;
  int indices_count = 0;
  int values_count = 0;
  const auto add = [&](int op, int index, const std::string& name, int* count,
                       std::vector<std::string>* inputs) -> absl::Status {
    if (op < 0) DOPPIO_RETURN_IF_ERROR(CheckPassedOn(base, name));
    inputs->push_back(op < 0 ? name : RenameOutput(op, index, count));
    return absl::OkStatus();
  };
  for (const Generator& generator : generators) {
    DOPPIO_RETURN_IF_ERROR(
        add(generator.op, generator.index, generator.gradient.indices, &indices_count, &indices));
    DOPPIO_RETURN_IF_ERROR(add(generator.values_op, generator.values_index,
                               generator.gradient.values, &values_count, &values));
  }
  GradientWrapper sum = GradientWrapper::Sparse(base + "_indices_concat", base + "_values_concat");
  for (const auto& [inputs, output] :
       {std::make_pair(&indices, &sum.indices), std::make_pair(&values, &sum.values)}) {
    OperatorDef concat = CreateOperatorDef("Concat", "", *inputs, {*output, *output + "_split"},
                                           {MakeArgument<int>("axis", 0)});
    SetDevice(generators, &concat);
    ops_->push_back(std::move(concat));
  }
  return sum;
}

}  // namespace doppio
