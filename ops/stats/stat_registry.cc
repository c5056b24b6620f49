#include "ops/stats/stat_registry.h"

#include <chrono>
#include <limits>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/operator/shared_state.h"

namespace doppio {

StatRegistry& StatRegistry::OfProcess() {
  static StatRegistry* const registry = new StatRegistry;
  return *registry;
}

void StatRegistry::Add(absl::Span<const std::string> names, absl::Span<const int64_t> amounts) {
  const std::lock_guard<std::mutex> held(mutex_);
  for (size_t i = 0; i < names.size(); ++i) {
    int64_t& sum = sums_[names[i]];
    sum = SaturatedSum(sum, amounts[i]);
  }
}

int64_t StatRegistry::FirstValue(const std::string& name, int64_t value) {
  const std::lock_guard<std::mutex> held(mutex_);
  return first_values_.emplace(name, value).first->second;
}

std::vector<StatRegistry::Stat> StatRegistry::Export(bool reset) {
  const std::lock_guard<std::mutex> held(mutex_);
  std::vector<Stat> stats;
  stats.reserve(sums_.size());
  for (auto& [name, sum] : sums_) {
    stats.push_back({name, sum});
    if (reset) sum = 0;
  }
  return stats;
}

int64_t SaturatedSum(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b < 0 ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
}

int64_t SaturatedProduct(int64_t a, int64_t b) {
  int64_t product = 0;
  if (!__builtin_mul_overflow(a, b, &product)) return product;
  return (a < 0) != (b < 0) ? std::numeric_limits<int64_t>::min()
                            : std::numeric_limits<int64_t>::max();
}

DOPPIO_REGISTER_BLOB_TYPE(StatRegistry);

namespace {

constexpr char kHandle[] = "a registry, made by StatRegistryCreate; default: that of the process";

DOPPIO_OPERATOR_SCHEMA(StatRegistryCreate)
    .NumInputs(0)
    .NumOutputs(1)
    .Doc(R"DOC(
Makes a registry of sums by name, a blob that is no tensor. Where the blob is one already, it stays that
one. The process has one that needs no blob, which timers and the operators whose names end in Put
write to.

Example: StatRegistryExport of a new one gives empty vectors.
)DOC")
    .Output(0, "handle", "the registry")
    .HasSideEffects();

DOPPIO_OPERATOR_SCHEMA(StatRegistryUpdate)
    .NumInputs(2, 3)
    .NumOutputs(0)
    .AllowAnyInput(2)
    .Doc(R"DOC(
Adds values to the sums of these names, which begin at 0. Threads may do so at the same time. A sum that
int64 does not hold stays at the end of it.

Example: names ["a","b"] and values [1,2] twice give the sums 2 and 4.
)DOC")
    .Input(0, "keys", "tensor of strings: names")
    .Input(1, "values", "tensor of int64 with as many elements")
    .Input(2, "handle", kHandle)
    .TensorInference([](InferenceContext*) { return absl::OkStatus(); })
    .HasSideEffects();

DOPPIO_OPERATOR_SCHEMA(StatRegistryExport)
    .NumInputs(0, 1)
    .NumOutputs(3)
    .AllowAnyInput(0)
    .Doc(R"DOC(
All sums of a registry, sorted by name.

Example: a registry to which 2 and then 3 were added as "a" gives ["a"] and [5].
)DOC")
    .Arg<bool>("reset", "whether the sums are 0 afterwards; nothing that is added is lost", true)
    .Input(0, "handle", kHandle)
    .Output(0, "keys", "vector of strings: names")
    .Output(1, "values", "vector of int64")
    .Output(2, "timestamps", "vector of int64: nanoseconds since 1970, of this run")
    .HasSideEffects();

// The registry in input i, or that of the process where the operator has none.
absl::StatusOr<StatRegistry*> RegistryInput(const OperatorBase& op, int i) {
  if (op.InputSize() <= i) return &StatRegistry::OfProcess();
  return SharedState<StatRegistry>(op, i, "a registry that StatRegistryCreate made");
}

template <class Context>
class StatRegistryCreateOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit StatRegistryCreateOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    OutputBlob(0)->template GetMutable<StatRegistry>();
    return absl::OkStatus();
  }
};

template <class Context>
class StatRegistryUpdateOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit StatRegistryUpdateOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(StatRegistry * registry, RegistryInput(*this, 2));
    const Tensor& keys = Input(0);
    const Tensor& values = Input(1);
    if (!keys.Is<std::string>() || !values.Is<int64_t>() || keys.numel() != values.numel()) {
      return absl::InvalidArgumentError(
          absl::StrCat("keys must be strings, and values as many int64, but they are ",
                       DescribeInput(0), " and ", DescribeInput(1)));
    }
    registry->Add(keys.span<std::string>(), values.span<int64_t>());
    return absl::OkStatus();
  }
};

template <class Context>
class StatRegistryExportOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit StatRegistryExportOp(OperatorInit* init)
      : Operator<Context>(init), reset_(init->GetSingleArgument<bool>("reset")) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(StatRegistry * registry, RegistryInput(*this, 0));
    const std::vector<StatRegistry::Stat> stats = registry->Export(reset_);
    const int64_t now = std::chrono::duration_cast<std::chrono::nanoseconds>(
                            std::chrono::system_clock::now().time_since_epoch())
                            .count();
    const int64_t size = static_cast<int64_t>(stats.size());
    DOPPIO_ASSIGN_OR_RETURN(Tensor * keys, Output(0, DataType::kString, {size}));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * values, Output(1, DataType::kInt64, {size}));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * times, Output(2, DataType::kInt64, {size}));
    for (int64_t i = 0; i < size; ++i) {
      const StatRegistry::Stat& stat = stats[static_cast<size_t>(i)];
      keys->template mutable_data<std::string>()[i] = stat.name;
      values->template mutable_data<int64_t>()[i] = stat.value;
      times->template mutable_data<int64_t>()[i] = now;
    }
    return absl::OkStatus();
  }

 private:
  const bool reset_;
};

DOPPIO_REGISTER_CPU_OPERATOR(StatRegistryCreate, StatRegistryCreateOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(StatRegistryUpdate, StatRegistryUpdateOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(StatRegistryExport, StatRegistryExportOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(StatRegistryCreate);
DOPPIO_SHOULD_NOT_DO_GRADIENT(StatRegistryUpdate);
DOPPIO_SHOULD_NOT_DO_GRADIENT(StatRegistryExport);

}  // namespace
}  // namespace doppio
