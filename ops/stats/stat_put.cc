#include <cmath>
#include <limits>
#include <type_traits>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/stats/stat_registry.h"

namespace doppio {
namespace {

constexpr char kStatName[] = "stat_name";
constexpr char kMagnitude[] = "magnitude_expand";
constexpr char kBound[] = "bound";
constexpr char kDefault[] = "default_value";

void StatePut(OpSchema& schema, absl::string_view what) {
  schema.NumInputs(1)
      .NumOutputs(0)
      .Doc(absl::StrCat(R"DOC(
Takes x, the first element of X, to the statistics of the process (StatRegistryExport), as the whole
number v of x * magnitude_expand, cut off towards 0. With NAME the argument stat_name:

)DOC",
                        what))
      .OptionalArg<std::string>(kStatName, "name of the statistic; default: that of the blob X")
      .Arg<int64_t>(kMagnitude, "factor, at least 1: statistics are whole numbers", 1)
      .Arg<bool>(kBound,
                 "what int64 does not hold becomes the end of it, and NaN 0, instead of an error",
                 false)
      .OptionalArg<float>(kDefault, "what stands for x where X is empty, otherwise an error")
      .Input(0, "X", "tensor of numbers, as a rule one")
      .TensorInference([](InferenceContext*) { return absl::OkStatus(); })
      .HasSideEffects();
}

DOPPIO_OPERATOR_SCHEMA(AveragePut).FillUsing([](OpSchema& schema) {
  StatePut(schema, R"DOC(NAME/stat_value/sum gets v, and NAME/stat_value/count 1.

Example: 1.5 with magnitude_expand = 10 adds 15 to the sum and 1 to the count.)DOC");
});
DOPPIO_OPERATOR_SCHEMA(IncrementPut).FillUsing([](OpSchema& schema) {
  StatePut(schema, R"DOC(NAME/stat_value gets v.

Example: 1.5 with magnitude_expand = 10 adds 15.)DOC");
});
DOPPIO_OPERATOR_SCHEMA(StdDevPut).FillUsing([](OpSchema& schema) {
  StatePut(schema, R"DOC(NAME/stat_value/sum gets v, and NAME/stat_value/count 1. With d = v - w,
where w is the first v that came for NAME, NAME/stat_value/sumoffset gets d, and
NAME/stat_value/sumsqoffset its square. So the variance is
(sumsqoffset - sumoffset * sumoffset / count) / (count - 1).

Example: 10 and then 13 make a sum of 23, a count of 2, a sumoffset of 3 and a sumsqoffset of 9.)DOC");
});

// What is added to the registry for a value, and how that is called.
struct Average {
  static std::vector<std::string> Names(const std::string& name) {
    return {absl::StrCat(name, "/sum"), absl::StrCat(name, "/count")};
  }
  static void Put(absl::Span<const std::string> names, int64_t value) {
    StatRegistry::OfProcess().Add(names, {value, 1});
  }
};

struct Increment {
  static std::vector<std::string> Names(const std::string& name) { return {name}; }
  static void Put(absl::Span<const std::string> names, int64_t value) {
    StatRegistry::OfProcess().Add(names, {value});
  }
};

struct StandardDeviation {
  static std::vector<std::string> Names(const std::string& name) {
    return {absl::StrCat(name, "/sum"), absl::StrCat(name, "/count"),
            absl::StrCat(name, "/sumoffset"), absl::StrCat(name, "/sumsqoffset")};
  }
  static void Put(absl::Span<const std::string> names, int64_t value) {
    StatRegistry& registry = StatRegistry::OfProcess();
    const int64_t first = registry.FirstValue(names[0], value);
    const int64_t offset = SaturatedSum(value, SaturatedProduct(first, -1));
    registry.Add(names, {value, 1, offset, SaturatedProduct(offset, offset)});
  }
};

template <class Context, class Statistic>
class StatPutOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit StatPutOp(OperatorInit* init)
      : Operator<Context>(init),
        magnitude_(init->GetSingleArgument<int64_t>(kMagnitude)),
        is_bound_(init->GetSingleArgument<bool>(kBound)),
        has_default_(init->HasArgument(kDefault)),
        default_(init->GetSingleArgument<float>(kDefault, 0.0f)),
        names_(Statistic::Names(
            absl::StrCat(init->GetSingleArgument<std::string>(kStatName, init->def().input(0)),
                         "/stat_value"))) {
    if (magnitude_ < 1) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("magnitude_expand must be at least 1, but is ", magnitude_)));
      return;
    }
    StatRegistry::OfProcess().Add(names_, std::vector<int64_t>(names_.size(), 0));
  }

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    using Types =
        TypeList<int32_t, float, uint8_t, int8_t, uint16_t, int16_t, int64_t, float16, double>;
    return DispatchType(Types(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      if (x.numel() == 0) {
        if (has_default_) return Put(double{default_});
        return absl::InvalidArgumentError(
            absl::StrCat(DescribeInput(0), " is empty, and there is no default_value"));
      }
      if constexpr (std::is_integral_v<T>) {
        return PutInteger(*x.data<T>());
      } else {
        return Put(static_cast<double>(
            static_cast<std::conditional_t<std::is_same_v<T, double>, double, float>>(
                *x.data<T>())));
      }
    });
  }

 private:
  absl::Status PutInteger(int64_t x) {
    int64_t value = 0;
    if (__builtin_mul_overflow(x, magnitude_, &value)) {
      if (!is_bound_) return TooLarge(static_cast<double>(x));
      value = SaturatedProduct(x, magnitude_);
    }
    Statistic::Put(names_, value);
    return absl::OkStatus();
  }

  absl::Status Put(double x) {
    constexpr double kEnd = 9223372036854775808.0;  // 2^63, the first that is too large
    const double product = x * static_cast<double>(magnitude_);
    int64_t value = 0;
    if (product >= -kEnd && product < kEnd) {
      value = static_cast<int64_t>(product);
    } else if (!is_bound_) {
      return TooLarge(x);
    } else if (!std::isnan(product)) {
      value =
          product < 0 ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
    }
    Statistic::Put(names_, value);
    return absl::OkStatus();
  }

  absl::Status TooLarge(double x) const {
    return absl::OutOfRangeError(absl::StrCat(DescribeInput(0), " is ", x, ", and times ",
                                              magnitude_, " no int64; bound = 1 allows that"));
  }

  const int64_t magnitude_;
  const bool is_bound_;
  const bool has_default_;
  const float default_;
  const std::vector<std::string> names_;
};

using AveragePutOp = StatPutOp<CPUContext, Average>;
using IncrementPutOp = StatPutOp<CPUContext, Increment>;
using StdDevPutOp = StatPutOp<CPUContext, StandardDeviation>;

DOPPIO_REGISTER_CPU_OPERATOR(AveragePut, AveragePutOp);
DOPPIO_REGISTER_CPU_OPERATOR(IncrementPut, IncrementPutOp);
DOPPIO_REGISTER_CPU_OPERATOR(StdDevPut, StdDevPutOp);
DOPPIO_SHOULD_NOT_DO_GRADIENT(AveragePut);
DOPPIO_SHOULD_NOT_DO_GRADIENT(IncrementPut);
DOPPIO_SHOULD_NOT_DO_GRADIENT(StdDevPut);

}  // namespace
}  // namespace doppio
