#include <algorithm>
#include <string>
#include <type_traits>

#include "absl/strings/ascii.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

// The dimensions of "..." are those that stand in no letter; they are aligned at the last one.
constexpr char kEllipsis = '.';

struct Equation {
  std::vector<std::string> inputs;  // letters, of which one may be kEllipsis
  std::string output;
};

absl::StatusOr<Equation> ParseEquation(const std::string& text, int inputs) {
  const auto wrong = [&](const auto&... why) {
    return absl::InvalidArgumentError(absl::StrCat("equation \"", text, "\": ", why...));
  };
  if (absl::StrReplaceAll(text, {{"...", ""}}).find('.') != std::string::npos) {
    return wrong("dots stand in threes");
  }
  const std::string letters = absl::StrReplaceAll(text, {{" ", ""}, {"...", "."}});
  const std::vector<std::string> sides = absl::StrSplit(letters, "->");
  if (sides.size() > 2) return wrong("there are two arrows");
  Equation equation;
  equation.inputs = absl::StrSplit(sides[0], ',');
  if (static_cast<int>(equation.inputs.size()) != inputs) {
    return wrong("there are ", inputs, " inputs");
  }
  for (const std::string& side : {sides[0], sides.back()}) {
    for (const char letter : side) {
      if (!absl::ascii_isalpha(letter) && letter != kEllipsis && letter != ',') {
        return wrong("'", std::string(1, letter), "' is no letter");
      }
    }
  }
  if (sides.size() == 2) {
    equation.output = sides[1];
  } else {
    // Letters that come once, in their order.
    if (sides[0].find(kEllipsis) != std::string::npos) equation.output.push_back(kEllipsis);
    std::string once = sides[0];
    std::sort(once.begin(), once.end());
    for (const char letter : once) {
      const bool is_letter = letter != kEllipsis && letter != ',';
      if (is_letter && std::count(once.begin(), once.end(), letter) == 1) {
        equation.output.push_back(letter);
      }
    }
  }
  for (const char letter : equation.output) {
    if (std::count(equation.output.begin(), equation.output.end(), letter) > 1 ||
        sides[0].find(letter) == std::string::npos || letter == ',') {
      return wrong("the output can not have '", std::string(1, letter), "'");
    }
  }
  return equation;
}

// One loop for each letter and each dimension of the ellipsis, those of the output first.
struct EinsumPlan {
  Dims output;
  Dims sizes;
  int kept = 0;               // loops of the output
  std::vector<Dims> strides;  // of each input, by loop
};

class EinsumPlanner {
 public:
  EinsumPlanner(const Equation& equation, std::vector<DimsView> inputs)
      : equation_(equation), inputs_(std::move(inputs)) {}

  absl::StatusOr<EinsumPlan> Plan() {
    for (size_t i = 0; i < inputs_.size(); ++i) {
      const std::string& letters = equation_.inputs[i];
      const auto named = static_cast<int>(
          std::count_if(letters.begin(), letters.end(), [](char c) { return c != kEllipsis; }));
      const int unnamed = static_cast<int>(inputs_[i].size()) - named;
      const auto dots = std::count(letters.begin(), letters.end(), kEllipsis);
      if (dots > 1 || unnamed < 0 || (dots == 0 && unnamed > 0)) {
        return absl::InvalidArgumentError(
            absl::StrCat("input ", i, " ", ShapeToString(inputs_[i]), " has not the dimensions \"",
                         absl::StrReplaceAll(letters, {{".", "..."}}), "\""));
      }
      unnamed_ = std::max(unnamed_, unnamed);
    }
    for (const char letter : equation_.output) AddLoop(letter);
    plan_.kept = static_cast<int>(names_.size());
    for (const std::string& letters : equation_.inputs) {
      for (const char letter : letters) AddLoop(letter);
    }
    plan_.sizes.assign(names_.size(), 1);
    for (size_t i = 0; i < inputs_.size(); ++i) DOPPIO_RETURN_IF_ERROR(AddInput(i));
    plan_.output.assign(plan_.sizes.begin(), plan_.sizes.begin() + plan_.kept);
    DOPPIO_RETURN_IF_ERROR(NumElements(plan_.output).status());
    DOPPIO_RETURN_IF_ERROR(NumElements(plan_.sizes).status());
    return std::move(plan_);
  }

 private:
  // Dimensions of the ellipsis have the numbers 0, 1, ... for names.
  void AddLoop(char letter) {
    const auto add = [&](int name) {
      if (std::find(names_.begin(), names_.end(), name) == names_.end()) names_.push_back(name);
    };
    if (letter != kEllipsis) return add(letter);
    for (int i = 0; i < unnamed_; ++i) add(i);
  }

  absl::Status AddInput(size_t input) {
    const DimsView dims = inputs_[input];
    const Dims strides = ContiguousStrides(dims);
    const std::string& letters = equation_.inputs[input];
    plan_.strides.emplace_back(names_.size(), 0);
    size_t d = 0;
    const auto take = [&](int name, bool broadcasts) -> absl::Status {
      const auto loop =
          static_cast<size_t>(std::find(names_.begin(), names_.end(), name) - names_.begin());
      int64_t& size = plan_.sizes[loop];
      const bool is_new = std::find(seen_.begin(), seen_.end(), name) == seen_.end();
      if (is_new) seen_.push_back(name);
      if (is_new || (broadcasts && size == 1)) {
        size = dims[d];
      } else if (size != dims[d] && !(broadcasts && dims[d] == 1)) {
        return absl::InvalidArgumentError(absl::StrCat("dimension ", d, " of input ", input, " ",
                                                       ShapeToString(dims), " is ", dims[d],
                                                       ", but elsewhere ", size));
      }
      // A letter that an input has twice is its diagonal.
      if (!broadcasts || dims[d] != 1) plan_.strides.back()[loop] += strides[d];
      ++d;
      return absl::OkStatus();
    };
    const int unnamed = static_cast<int>(dims.size() - letters.size()) + 1;  // of an ellipsis
    for (const char letter : letters) {
      if (letter != kEllipsis) {
        DOPPIO_RETURN_IF_ERROR(take(letter, false));
        continue;
      }
      for (int i = unnamed_ - unnamed; i < unnamed_; ++i) DOPPIO_RETURN_IF_ERROR(take(i, true));
    }
    return absl::OkStatus();
  }

  const Equation& equation_;
  const std::vector<DimsView> inputs_;
  int unnamed_ = 0;         // dimensions of the ellipsis
  std::vector<int> names_;  // of the loops
  std::vector<int> seen_;
  EinsumPlan plan_;
};

DOPPIO_OPERATOR_SCHEMA(Einsum)
    .NumInputs(1, OpSchema::kMany)
    .NumOutputs(1)
    .Doc(R"DOC(
ONNX's Einsum: sums of products, by Einstein's convention. The equation has a letter for each dimension
of each input; the output has the dimensions whose letters follow the arrow (without an arrow those
whose letters come once, in alphabetical order), and over all others products are summed. An input that
has a letter twice is read along its diagonal; "..." stands for dimensions without letters, which are
broadcast. Whole numbers wrap.

Example: `ij,jk->ik` is the product of two matrices, `ii` the trace of one, `ij->ji` its transpose.
)DOC")
    .RequiredArg<std::string>("equation", "letters of the inputs, ->, letters of the output")
    .Input(0, "X0, X1, ...", "tensors of one type: float, double, int32 or int64")
    .Output(0, "Output", "tensor of that type")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const auto text = context->GetSingleArgument<std::string>("equation");
      DOPPIO_ASSIGN_OR_RETURN(const Equation equation, ParseEquation(text, context->InputSize()));
      std::vector<DimsView> inputs;
      for (int i = 0; i < context->InputSize(); ++i) inputs.push_back(context->dims(i));
      DOPPIO_ASSIGN_OR_RETURN(const EinsumPlan plan, EinsumPlanner(equation, inputs).Plan());
      context->SetOutput(0, context->dtype(0), plan.output);
      return absl::OkStatus();
    });

template <class Context>
class EinsumOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit EinsumOp(OperatorInit* init) : Operator<Context>(init) {
    absl::StatusOr<Equation> equation =
        ParseEquation(init->GetSingleArgument<std::string>("equation"), InputSize());
    if (equation.ok()) equation_ = *std::move(equation);
    init->Fail(equation.status());
  }

  absl::Status RunOnDevice() override {
    std::vector<DimsView> inputs;
    for (int i = 0; i < InputSize(); ++i) {
      inputs.push_back(Input(i).dims());
      if (Input(i).dtype() == Input(0).dtype()) continue;
      return absl::InvalidArgumentError(
          absl::StrCat(DescribeInput(0), " and ", DescribeInput(i), " must have the same type"));
    }
    DOPPIO_ASSIGN_OR_RETURN(const EinsumPlan plan, EinsumPlanner(equation_, inputs).Plan());
    using Types = TypeList<float, double, int32_t, int64_t>;
    return DispatchType(Types(), Input(0).dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, Input(0).dtype(), plan.output));
      Compute(plan, output->template mutable_data<T>(), output->numel());
      return absl::OkStatus();
    });
  }

 private:
  template <typename T>
  void Compute(const EinsumPlan& plan, T* output, int64_t count) const {
    const int64_t terms = SizeFromDim(plan.sizes, plan.kept);
    constexpr int64_t kGrain = 1 << 13;
    ParallelFor(count, kGrain / (terms + 1) + 1, [&](int64_t begin, int64_t end) {
      absl::InlinedVector<const T*, 4> first(plan.strides.size());
      for (int64_t i = begin; i < end; ++i) {
        int64_t rest = i;
        for (size_t k = 0; k < first.size(); ++k) {
          first[k] = Input(static_cast<int>(k)).template data<T>();
        }
        for (int loop = plan.kept - 1; loop >= 0; --loop) {
          const int64_t at = rest % plan.sizes[loop];
          rest /= plan.sizes[loop];
          for (size_t k = 0; k < first.size(); ++k) first[k] += at * plan.strides[k][loop];
        }
        output[i] = SumProducts(plan, first, terms);
      }
    });
  }

  // Integers wrap as the unsigned ones do; floats are summed in double.
  template <typename T>
  static T SumProducts(const EinsumPlan& plan, absl::InlinedVector<const T*, 4> at, int64_t terms) {
    using Sum = std::conditional_t<std::is_integral_v<T>, uint64_t, double>;
    Sum sum = 0;
    Dims index(plan.sizes.size(), 0);
    for (int64_t term = 0; term < terms; ++term) {
      Sum product = 1;
      for (const T* element : at) product *= static_cast<Sum>(*element);
      sum += product;
      for (size_t loop = plan.sizes.size(); loop-- > static_cast<size_t>(plan.kept);) {
        const bool goes_on = ++index[loop] < plan.sizes[loop];
        const int64_t steps = goes_on ? 1 : 1 - plan.sizes[loop];
        for (size_t k = 0; k < at.size(); ++k) at[k] += steps * plan.strides[k][loop];
        if (goes_on) break;
        index[loop] = 0;
      }
    }
    return static_cast<T>(sum);
  }

  Equation equation_;
};

DOPPIO_REGISTER_CPU_OPERATOR(Einsum, EinsumOp<CPUContext>);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(Einsum);

}  // namespace
}  // namespace doppio
