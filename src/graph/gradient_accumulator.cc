#include "src/graph/gradient_accumulator.h"

#include <algorithm>
#include <set>

#include "absl/strings/strip.h"

namespace doppio {
namespace {

bool SameDevice(const DeviceOption& a, const DeviceOption& b) {
  return a.device_type() == b.device_type() && a.device_id() == b.device_id();
}

}  // namespace

void GradientAccumulator::AddGenerated(const OperatorDef& forward, const Ssa::Op& versions,
                                       int first, const std::vector<GradientValue>& g_input) {
  // In Caffe2's order: what operators make in the order in which they make it, then slices, then
  // what is passed on.
  struct Entry {
    int rank;
    BlobValue made;
    int input;
    Generator generator;
  };
  std::vector<Entry> entries;
  std::set<BlobValue> seen;  // a value that is the gradient of two inputs has one maker
  const auto is_made = [&](const BlobValue& value) {
    return value.op >= first && seen.insert(value).second;
  };
  for (int i = 0; i < static_cast<int>(g_input.size()); ++i) {
    if (g_input[i].IsEmpty()) continue;
    Generator generator;
    generator.gradient = g_input[i];
    generator.dense_is_made = is_made(g_input[i].dense);
    generator.indices_are_made = is_made(g_input[i].indices);
    generator.values_are_made = is_made(g_input[i].values);
    const bool sparse_is_made = generator.indices_are_made || generator.values_are_made;
    const int rank = generator.dense_is_made ? 0 : sparse_is_made ? 1 : 2;
    entries.push_back({rank, rank == 0 ? g_input[i].dense : BlobValue(), i, std::move(generator)});
  }
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.rank != b.rank ? a.rank < b.rank : a.made < b.made;
  });
  for (Entry& entry : entries) {
    const std::string& blob = forward.input(entry.input);
    Add(blob, versions.in_version.at(blob), std::move(entry.generator));
  }
}

absl::StatusOr<GradientValue> GradientAccumulator::Sum(const std::string& blob, int version) {
  const auto found = generators_.find({blob, version});
  if (found == generators_.end()) return GradientValue();
  const Generators& generators = found->second;
  const bool is_sparse = generators.front().gradient.IsSparse();
  for (const Generator& generator : generators) {
    if (generator.gradient.IsSparse() != is_sparse) {
      return absl::UnimplementedError(
          absl::StrCat("\"", blob, "\" has dense and sparse gradients, which can not be summed"));
    }
  }
  if (generators.size() < 2) return GradientValue();
  DOPPIO_RETURN_IF_ERROR(CheckSameDevice(blob, generators));
  const std::string base = BaseName(blob, generators);
  return is_sparse ? SumSparse(base, generators) : SumDense(base, generators);
}

absl::Status GradientAccumulator::CheckSameDevice(const std::string& blob,
                                                  const Generators& generators) const {
  const DeviceOption* device = nullptr;
  const auto check = [&](const BlobValue& value, bool is_made) {
    if (!is_made || !ops_->op(value.op).has_device_option()) return true;
    const DeviceOption& other = ops_->op(value.op).device_option();
    if (device != nullptr && !SameDevice(*device, other)) return false;
    device = &other;
    return true;
  };
  for (const Generator& g : generators) {
    if (check(g.gradient.dense, g.dense_is_made) && check(g.gradient.indices, g.indices_are_made) &&
        check(g.gradient.values, g.values_are_made)) {
      continue;
    }
    return absl::FailedPreconditionError(absl::StrCat(
        "the gradients of \"", blob, "\" are made on different devices and can not be summed"));
  }
  return absl::OkStatus();
}

std::string GradientAccumulator::BaseName(const std::string& blob,
                                          const Generators& generators) const {
  const auto stripped = [&](const BlobValue& value, absl::string_view suffix) {
    return std::string(absl::StripSuffix(ops_->Name(value), suffix));
  };
  for (const Generator& g : generators) {
    if (g.dense_is_made) return ops_->Name(g.gradient.dense);
    if (g.indices_are_made) return stripped(g.gradient.indices, "_indices");
    if (g.values_are_made) return stripped(g.gradient.values, "_values");
  }
  return blob + "_grad";
}

void GradientAccumulator::RenamePart(const BlobValue& value, int* count) {
  std::string name;
  do {
    name = absl::StrCat("_", ops_->Name(value), "_autosplit_", (*count)++);
  } while (!ops_->MayRename(value, name));
  ops_->Rename(value, name);
}

void GradientAccumulator::SetDevice(const Generators& generators, OperatorDef* sum) const {
  for (const Generator& g : generators) {
    int op = -1;
    if (g.dense_is_made) op = g.gradient.dense.op;
    if (g.indices_are_made) op = g.gradient.indices.op;
    if (g.values_are_made) op = g.gradient.values.op;
    if (op < 0) continue;
    if (ops_->op(op).has_device_option()) {
      *sum->mutable_device_option() = ops_->op(op).device_option();
    }
    return;
  }
}

GradientValue GradientAccumulator::SumDense(const std::string& base, const Generators& generators) {
  std::vector<BlobValue> inputs;
  bool is_first = true;
  int count = 0;
  for (const Generator& generator : generators) {
    inputs.push_back(generator.gradient.dense);
    if (!generator.dense_is_made) continue;
    if (!is_first) RenamePart(generator.gradient.dense, &count);
    is_first = false;
  }
  // Sum may only write to its first input.
  const auto same = std::find_if(inputs.begin(), inputs.end(),
                                 [&](const BlobValue& input) { return ops_->Name(input) == base; });
  if (same != inputs.end()) std::iter_swap(inputs.begin(), same);
  std::vector<std::string> names;
  for (const BlobValue& input : inputs) names.push_back(ops_->Name(input));
  OperatorDef sum = CreateOperatorDef("Sum", "", names, {base});
  SetDevice(generators, &sum);
  GradientValue result;
  result.dense = BlobValue::Made(ops_->Add(std::move(sum), std::move(inputs)), 0);
  return result;
}

GradientValue GradientAccumulator::SumSparse(const std::string& base,
                                             const Generators& generators) {
  std::vector<BlobValue> indices;
  std::vector<BlobValue> values;
  int indices_count = 0;
  int values_count = 0;
  for (const Generator& g : generators) {
    if (g.indices_are_made) RenamePart(g.gradient.indices, &indices_count);
    if (g.values_are_made) RenamePart(g.gradient.values, &values_count);
    indices.push_back(g.gradient.indices);
    values.push_back(g.gradient.values);
  }
  GradientValue sum;
  sum.indices = AddConcat(indices, base + "_indices_concat", generators);
  sum.values = AddConcat(values, base + "_values_concat", generators);
  return sum;
}

BlobValue GradientAccumulator::AddConcat(const std::vector<BlobValue>& inputs,
                                         const std::string& output, const Generators& generators) {
  std::vector<std::string> names;
  for (const BlobValue& input : inputs) names.push_back(ops_->Name(input));
  OperatorDef concat = CreateOperatorDef("Concat", "", names, {output, output + "_split"},
                                         {MakeArgument<int>("axis", 0)});
  SetDevice(generators, &concat);
  return BlobValue::Made(ops_->Add(std::move(concat), inputs), 0);
}

}  // namespace doppio
