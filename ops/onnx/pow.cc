#include <cmath>
#include <limits>
#include <type_traits>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/broadcast_binary.h"
#include "src/kernel/cast.h"

namespace doppio {
namespace {

bool IsInteger(DataType type) { return IsNumeric(type) && !IsFloatingPoint(type); }

// What bases and exponents of these types are computed in: whole numbers in int64, others in
// double, but for float alone.
struct PowTypes {
  DataType base;
  DataType exponent;
};

PowTypes ComputedIn(DataType base, DataType exponent) {
  const auto is_small = [](DataType type) {
    return IsFloatingPoint(type) && type != DataType::kDouble;
  };
  if (is_small(base) && is_small(exponent)) return {DataType::kFloat, DataType::kFloat};
  return {IsInteger(base) && IsInteger(exponent) ? DataType::kInt64 : DataType::kDouble,
          IsInteger(exponent) ? DataType::kInt64 : DataType::kDouble};
}

absl::Status CheckTypes(DataType base, DataType exponent) {
  if (IsNumeric(base) && IsNumeric(exponent) && base != DataType::kBool) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("X is ", DataTypeName(base), " and Y ",
                                                 DataTypeName(exponent),
                                                 ", but both must be numbers"));
}

DOPPIO_OPERATOR_SCHEMA(OnnxPow)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
ONNX's Pow: Z = X to the power of Y, element by element, with NumPy's broadcasting, where both may have
types of their own; Z has that of X. Powers of whole numbers by whole numbers wrap, and those by negative
ones lose their fraction: they are 0 but for bases of 1 and -1, and an error for 0. Other powers that
become whole numbers lose theirs too.

Example: X = [1,2,3] of int64 and Y = [0.5,3,2] of float give [1,8,9].
)DOC")
    .Input(0, "X", "tensor of numbers")
    .Input(1, "Y", "tensor of numbers, whose shape goes together with X's")
    .Output(0, "Z", "tensor of X's type, of the broadcast shape")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckTypes(context->dtype(0), context->dtype(1)));
      DOPPIO_ASSIGN_OR_RETURN(const Dims dims, BroadcastShapes(context->dims(0), context->dims(1)));
      DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
      context->SetOutput(0, context->dtype(0), dims);
      return absl::OkStatus();
    });

int64_t WholePower(int64_t base, int64_t exponent) {
  if (exponent < 0) {
    if (base == 1) return 1;
    if (base == -1) return exponent % 2 == 0 ? 1 : -1;
    return 0;
  }
  uint64_t power = 1;
  auto factor = static_cast<uint64_t>(base);
  for (; exponent > 0; exponent >>= 1) {
    if ((exponent & 1) != 0) power *= factor;
    factor *= factor;
  }
  return static_cast<int64_t>(power);
}

// Whole exponents may not be numbers that a double can hold: whether they are even is seen before
// they become one.
double MixedPower(double base, int64_t exponent) {
  const double power = std::pow(std::abs(base), static_cast<double>(exponent));
  return std::signbit(base) && exponent % 2 != 0 ? -power : power;
}

template <typename Base, typename Exponent>
Base Power(Base base, Exponent exponent) {
  if constexpr (std::is_integral_v<Base>) {
    return WholePower(base, exponent);
  } else if constexpr (std::is_integral_v<Exponent>) {
    return MixedPower(base, exponent);
  } else {
    return std::pow(base, exponent);
  }
}

template <class Context>
class OnnxPowOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit OnnxPowOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const DataType type = Input(0).dtype();
    DOPPIO_RETURN_IF_ERROR(CheckTypes(type, Input(1).dtype()));
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims, BroadcastShapes(Input(0).dims(), Input(1).dims()));
    const PowTypes types = ComputedIn(type, Input(1).dtype());
    DOPPIO_RETURN_IF_ERROR(Convert(Input(0), types.base, &base_));
    DOPPIO_RETURN_IF_ERROR(Convert(Input(1), types.exponent, &exponent_));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * z, Output(0, type, dims));
    DOPPIO_RETURN_IF_ERROR(power_.Resize(types.base, dims));
    if (types.base == DataType::kFloat) {
      Compute<float, float>(dims);
    } else if (types.base == DataType::kInt64) {
      DOPPIO_RETURN_IF_ERROR(CheckNoQuotients(dims));
      Compute<int64_t, int64_t>(dims);
    } else if (types.exponent == DataType::kInt64) {
      Compute<double, int64_t>(dims);
    } else {
      Compute<double, double>(dims);
    }
    Cast(types.base, power_.raw_data(), type, z->raw_mutable_data(), z->numel(), &context_);
    return absl::OkStatus();
  }

 private:
  absl::Status Convert(const Tensor& tensor, DataType type, Tensor* converted) {
    DOPPIO_RETURN_IF_ERROR(converted->Resize(type, tensor.dims()));
    Cast(tensor.dtype(), tensor.raw_data(), type, converted->raw_mutable_data(), tensor.numel(),
         &context_);
    return absl::OkStatus();
  }

  template <typename Base, typename Exponent>
  void Compute(DimsView dims) {
    BroadcastReader bases(sizeof(Base), base_.raw_data(), base_.dims(), dims);
    BroadcastReader exponents(sizeof(Exponent), exponent_.raw_data(), exponent_.dims(), dims);
    Base* to = power_.mutable_data<Base>();
    constexpr int64_t kBlock = 1024;
    ParallelFor(power_.numel(), 4 * kBlock, [&](int64_t begin, int64_t end) {
      Base base_room[kBlock];
      Exponent exponent_room[kBlock];
      for (int64_t first = begin; first < end; first += kBlock) {
        const int64_t last = std::min(first + kBlock, end);
        const auto* b = static_cast<const Base*>(bases.Read(first, last, base_room));
        const auto* e = static_cast<const Exponent*>(exponents.Read(first, last, exponent_room));
        for (int64_t i = first; i < last; ++i) to[i] = Power(*b++, *e++);
      }
    });
  }

  // 0 to a negative power is one divided by it.
  absl::Status CheckNoQuotients(DimsView dims) const {
    if (SizeFromDim(dims, 0) == 0) return absl::OkStatus();
    const auto bases = base_.span<int64_t>();
    const auto exponents = exponent_.span<int64_t>();
    const bool has_zero = std::find(bases.begin(), bases.end(), 0) != bases.end();
    const bool has_negative = std::any_of(exponents.begin(), exponents.end(),
                                          [](int64_t exponent) { return exponent < 0; });
    if (!has_zero || !has_negative) return absl::OkStatus();
    const BroadcastReader all_bases(sizeof(int64_t), base_.raw_data(), base_.dims(), dims);
    const BroadcastReader all_exponents(sizeof(int64_t), exponent_.raw_data(), exponent_.dims(),
                                        dims);
    for (int64_t i = 0; i < SizeFromDim(dims, 0); ++i) {
      int64_t room[2];
      const auto base = *static_cast<const int64_t*>(all_bases.Read(i, i + 1, room));
      const auto exponent = *static_cast<const int64_t*>(all_exponents.Read(i, i + 1, room + 1));
      if (base == 0 && exponent < 0) {
        return absl::InvalidArgumentError(
            absl::StrCat("0, a whole number, has no power of ", exponent, " (element ", i, ")"));
      }
    }
    return absl::OkStatus();
  }

  Tensor base_;
  Tensor exponent_;
  Tensor power_;
};

DOPPIO_REGISTER_CPU_OPERATOR(OnnxPow, OnnxPowOp<CPUContext>);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(OnnxPow);

}  // namespace
}  // namespace doppio
