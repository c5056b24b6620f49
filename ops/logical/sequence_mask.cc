#include <algorithm>
#include <limits>
#include <optional>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

enum class Mode { kSequence, kWindow, kUpper, kLower, kUpperDiagonal, kLowerDiagonal };

struct MaskArguments {
  explicit MaskArguments(ArgumentReader* reader)
      : mode(ReadMode(reader)),
        axis(reader->GetSingleArgument<int64_t>("axis")),
        radius(reader->GetSingleArgument<int>("radius")) {
    if (reader->HasArgument("batch")) batch = reader->GetSingleArgument<int64_t>("batch");
    if (reader->HasArgument("repeat_from_axis")) {
      repeat_from = reader->GetSingleArgument<int64_t>("repeat_from_axis");
    }
    if (radius < 0) {
      reader->Fail(
          absl::InvalidArgumentError(absl::StrCat("radius is ", radius, ", must not be negative")));
    }
    if (repeat_from.has_value() && (mode != Mode::kSequence || batch.has_value())) {
      reader->Fail(absl::InvalidArgumentError(
          "repeat_from_axis is for mode \"sequence\" without the argument \"batch\""));
    }
  }

  static Mode ReadMode(ArgumentReader* reader) {
    const std::string name = reader->GetSingleArgument<std::string>("mode");
    constexpr const char* kNames[] = {"sequence", "window",    "upper",
                                      "lower",    "upperdiag", "lowerdiag"};
    for (int i = 0; i < 6; ++i) {
      if (name == kNames[i]) return static_cast<Mode>(i);
    }
    reader->Fail(absl::InvalidArgumentError(absl::StrCat(
        "mode is \"", name, "\", must be sequence, window, upper, lower, upperdiag or lowerdiag")));
    return Mode::kSequence;
  }

  bool reads_input() const { return mode == Mode::kSequence || mode == Mode::kWindow; }

  Mode mode;
  int64_t axis;
  int64_t radius;
  std::optional<int64_t> batch;
  std::optional<int64_t> repeat_from;
};

// X as [outer, rows, columns, block]: the mask is made for [rows, columns].
struct MaskPlan {
  int64_t outer;
  int64_t rows;
  int64_t columns;
  int64_t block;
};

absl::StatusOr<MaskPlan> PlanMask(const MaskArguments& args, DimsView x) {
  const int rank = static_cast<int>(x.size());
  DOPPIO_ASSIGN_OR_RETURN(const int axis, CanonicalAxis(args.axis, rank));
  int first_row = 0;
  if (args.batch.has_value()) {
    DOPPIO_ASSIGN_OR_RETURN(const int batch, CanonicalAxis(*args.batch, rank));
    if (batch >= axis) {
      return absl::InvalidArgumentError(
          absl::StrCat("batch is dimension ", batch, ", must be before axis ", axis));
    }
    first_row = batch + 1;
  }
  int repeat_from = rank;
  if (args.repeat_from.has_value()) {
    DOPPIO_ASSIGN_OR_RETURN(repeat_from, CanonicalAxis(*args.repeat_from, rank));
    if (repeat_from < axis) {
      return absl::InvalidArgumentError(absl::StrCat("repeat_from_axis is dimension ", repeat_from,
                                                     ", must not be before axis ", axis));
    }
  }
  return MaskPlan{SizeToDim(x, first_row), SizeBetween(x, first_row, axis),
                  SizeBetween(x, axis, repeat_from), SizeFromDim(x, repeat_from)};
}

absl::Status CheckRowInput(const MaskArguments& args, const MaskPlan& plan, DimsView dims) {
  if (dims.size() == 1 && dims[0] == plan.rows) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      args.mode == Mode::kWindow ? "the centers" : "the lengths", " must be a vector of ",
      plan.rows, " elements, one for each row, but have the shape ", ShapeToString(dims)));
}

absl::Status CheckInputs(const MaskArguments& args, int inputs) {
  if (!args.reads_input() || inputs == 2) return absl::OkStatus();
  return absl::InvalidArgumentError(args.mode == Mode::kWindow
                                        ? "mode \"window\" needs the centers as a second input"
                                        : "mode \"sequence\" needs the lengths as a second input");
}

DOPPIO_OPERATOR_SCHEMA(SequenceMask)
    .NumInputs(1, 2)
    .NumOutputs(1)
    .Doc(R"DOC(
Writes fill_val over a part of each row, as attention needs it before a softmax. The dimensions
before `axis` are rows, i, and those from `axis` on columns, j. What is written over:

- mode "sequence": j >= lengths[i];
- mode "window": j < centers[i] - radius and j > centers[i] + radius;
- mode "upper": j > i; "lower": j < i; "upperdiag": j >= i; "lowerdiag": j <= i. (Caffe2's
  documentation says the opposite of what Caffe2 does.)

With `batch`, rows are counted anew for each index of the dimensions up to that one. With
repeat_from_axis, columns end before that dimension, and whatever stands there shares a column.

Examples, with fill_val=0: X = [[1,2,3],[4,5,6]] and the lengths [1,2] give [[1,0,0],[4,5,0]]; mode
"upper" gives [[1,0,0],[4,5,0]] too, and "upperdiag" [[0,0,0],[4,0,0]].
)DOC")
    .RequiredArg<std::string>(
        "mode", "sequence, window, upper, lower, upperdiag or lowerdiag: what is written over")
    .Arg<int64_t>("axis", "the first dimension of the columns; may count from the back", 1)
    .Arg<int>("radius", "for mode \"window\": how far from its center a column may be", 10)
    .Arg<bool>("grad", "writes 0 and not fill_val: X is a gradient", false)
    .Arg<float>("fill_val", "what is written", -std::numeric_limits<float>::infinity())
    .OptionalArg<int64_t>("batch", "the last of the dimensions that share a mask, before `axis`")
    .OptionalArg<int64_t>("repeat_from_axis",
                          "for mode \"sequence\" without `batch`: the first dimension that is no "
                          "part of the columns")
    .Input(0, "input", "X: tensor of float or double")
    .Input(
        1, "sequence_lengths",
        "for the modes \"sequence\" and \"window\": vector of int32 or int64, with the length or "
        "the center of each row")
    .Output(0, "masked_tensor", "tensor of X's type and shape")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const MaskArguments args(context);
      DOPPIO_RETURN_IF_ERROR(context->status());
      DOPPIO_ASSIGN_OR_RETURN(const MaskPlan plan, PlanMask(args, context->dims(0)));
      DOPPIO_RETURN_IF_ERROR(CheckInputs(args, context->InputSize()));
      if (args.reads_input()) {
        DOPPIO_RETURN_IF_ERROR(CheckRowInput(args, plan, context->dims(1)));
      }
      context->SetOutput(0, context->dtype(0), context->dims(0));
      return absl::OkStatus();
    });

// The columns that stay as they are: [begin, end).
struct Kept {
  int64_t begin;
  int64_t end;
};

template <class Context>
class SequenceMaskOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SequenceMaskOp(OperatorInit* init)
      : Operator<Context>(init), args_(init), fill_(init->GetSingleArgument<float>("fill_val")) {
    if (init->GetSingleArgument<bool>("grad")) fill_ = 0;
    init->Fail(CheckInputs(args_, InputSize()));
  }

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const MaskPlan plan, PlanMask(args_, x.dims()));
    if (!args_.reads_input()) return Run(plan, static_cast<const int64_t*>(nullptr));
    const Tensor& values = Input(1);
    DOPPIO_RETURN_IF_ERROR(CheckRowInput(args_, plan, values.dims()));
    return DispatchType(TypeList<int32_t, int64_t>(), values.dtype(), [&](auto tag) {
      using Index = typename decltype(tag)::type;
      const absl::Span<const Index> span = values.span<Index>();
      for (size_t i = 0; i < span.size() && args_.mode == Mode::kSequence; ++i) {
        if (span[i] >= 0) continue;
        return absl::InvalidArgumentError(
            absl::StrCat("length ", i, " is ", span[i], ", must not be negative"));
      }
      return Run(plan, span.data());
    });
  }

 private:
  template <typename Index>
  absl::Status Run(const MaskPlan& plan, const Index* values) {
    const Tensor& x = Input(0);
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), x.dims()));
      if (y->numel() == 0) return absl::OkStatus();
      const T* from = x.data<T>();
      T* to = y->mutable_data<T>();
      const T fill = static_cast<T>(fill_);
      const int64_t size = plan.columns * plan.block;
      constexpr int64_t kGrain = 1 << 15;
      ParallelFor(plan.outer * plan.rows, kGrain / size + 1, [&](int64_t begin, int64_t end) {
        for (int64_t k = begin; k < end; ++k) {
          const int64_t row = k % plan.rows;
          const int64_t value = values == nullptr ? 0 : static_cast<int64_t>(values[row]);
          const Kept kept = KeptColumns(row, value, plan.columns);
          const T* in = from + k * size;
          T* out = std::fill_n(to + k * size, kept.begin * plan.block, fill);
          out = std::copy(in + kept.begin * plan.block, in + kept.end * plan.block, out);
          std::fill(out, to + (k + 1) * size, fill);
        }
      });
      return absl::OkStatus();
    });
  }

  Kept KeptColumns(int64_t row, int64_t value, int64_t columns) const {
    const auto within = [&](int64_t column) { return std::clamp<int64_t>(column, 0, columns); };
    switch (args_.mode) {
      case Mode::kSequence:
        return {0, within(value)};
      case Mode::kWindow: {
        // So far outside, a center may be moved without changing anything, and sums can not
        // overflow.
        const int64_t far = columns + args_.radius + 1;
        const int64_t center = std::clamp(value, -far, far);
        return {within(center - args_.radius), within(center + args_.radius + 1)};
      }
      case Mode::kUpper:
        return {0, within(row + 1)};
      case Mode::kLower:
        return {within(row), columns};
      case Mode::kUpperDiagonal:
        return {0, within(row)};
      case Mode::kLowerDiagonal:
        break;
    }
    return {within(row + 1), columns};
  }

  const MaskArguments args_;
  float fill_;
};

class GetSequenceMaskGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    std::vector<Argument> args;
    for (const Argument& arg : Def().arg()) {
      if (arg.name() != "grad") args.push_back(arg);
    }
    args.push_back(MakeArgument<bool>("grad", true));
    std::vector<std::string> inputs = {GO(0)};
    if (InputSize() > 1) inputs.push_back(I(1));
    return SingleGradientDef("SequenceMask", "", inputs, {GI(0)}, args);
  }
  bool CopyArguments() const override { return false; }
};

DOPPIO_REGISTER_CPU_OPERATOR(SequenceMask, SequenceMaskOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(SequenceMask, GetSequenceMaskGradient);

}  // namespace
}  // namespace doppio
