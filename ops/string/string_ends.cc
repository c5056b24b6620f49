// Operators on the beginnings and ends of strings.

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "doppio/gradient_maker.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

template <typename Result>
void StateStrings(OpSchema& schema) {
  schema.NumInputs(1)
      .NumOutputs(1)
      .Input(0, "strings", "tensor of strings, of any shape")
      .TensorInference([](InferenceContext* context) {
        context->SetOutput(0, DataTypeOf<Result>::value, context->dims(0));
        return absl::OkStatus();
      });
}

void StatePart(OpSchema& schema) {
  schema.FillUsing(StateStrings<std::string>)
      .Arg<int>("length", "the most bytes that are kept", 3)
      .Output(0, "parts", "tensor of strings, of the same shape");
}

void StateTest(OpSchema& schema, const char* argument, const char* doc) {
  schema.FillUsing(StateStrings<bool>)
      .Arg<std::string>(argument, doc, "")
      .Output(0, "bools", "tensor of bool, of the same shape");
}

DOPPIO_OPERATOR_SCHEMA(StringPrefix).FillUsing(StatePart).Doc(R"DOC(
The first `length` bytes of every string, or all of one that is shorter. Characters of several bytes
(UTF-8) may be cut in two.

Example: strings [2] = ["apple","an"] give ["app","an"].
)DOC");

DOPPIO_OPERATOR_SCHEMA(StringSuffix).FillUsing(StatePart).Doc(R"DOC(
The last `length` bytes of every string, or all of one that is shorter. Characters of several bytes
(UTF-8) may be cut in two.

Example: strings [2] = ["apple","an"] give ["ple","an"].
)DOC");

DOPPIO_OPERATOR_SCHEMA(StringStartsWith)
    .FillUsing([](OpSchema& schema) { StateTest(schema, "prefix", "what is looked for"); })
    .Doc(R"DOC(
Whether each string begins with `prefix`; every one does with the empty one.

Example: strings [2] = ["apple","an"] and prefix="ap" give [true,false].
)DOC");

DOPPIO_OPERATOR_SCHEMA(StringEndsWith)
    .FillUsing([](OpSchema& schema) { StateTest(schema, "suffix", "what is looked for"); })
    .Doc(R"DOC(
Whether each string ends with `suffix`; every one does with the empty one.

Example: strings [2] = ["apple","an"] and suffix="n" give [false,true].
)DOC");

DOPPIO_OPERATOR_SCHEMA(StringEquals)
    .FillUsing([](OpSchema& schema) { StateTest(schema, "text", "what strings are compared to"); })
    .Doc(R"DOC(
Whether each string is `text`.

Example: strings [2] = ["apple","an"] and text="an" give [false,true].
)DOC");

// Y = f(X). Function: made of an OperatorInit*; f(absl::string_view) -> absl::string_view for a
// tensor of strings, bool for one of bool.
template <class Context, class Function>
class StringOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit StringOp(OperatorInit* init) : Operator<Context>(init), function_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    if (!x.Is<std::string>()) return UnsupportedTypeError(x.dtype(), {DataType::kString});
    using Result = typename Function::Result;
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, DataTypeOf<Result>::value, x.dims()));
    const std::string* in = x.data<std::string>();
    Result* out = y->mutable_data<Result>();
    for (int64_t i = 0; i < x.numel(); ++i) {
      if constexpr (std::is_same_v<Result, std::string>) {
        const absl::string_view part = function_(in[i]);
        out[i].assign(part.data(), part.size());
      } else {
        out[i] = function_(in[i]);
      }
    }
    return absl::OkStatus();
  }

 private:
  const Function function_;
};

struct Part {
  using Result = std::string;
  explicit Part(OperatorInit* init) {
    const int argument = init->GetSingleArgument<int>("length");
    if (argument < 0) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("length is ", argument, ", but must not be negative")));
    }
    length = static_cast<size_t>(argument);
  }
  size_t length;
};
struct Prefix : Part {
  using Part::Part;
  absl::string_view operator()(absl::string_view text) const { return text.substr(0, length); }
};
struct Suffix : Part {
  using Part::Part;
  absl::string_view operator()(absl::string_view text) const {
    return text.substr(text.size() - std::min(text.size(), length));
  }
};

struct StartsWith {
  using Result = bool;
  explicit StartsWith(OperatorInit* init)
      : prefix(init->GetSingleArgument<std::string>("prefix")) {}
  bool operator()(absl::string_view text) const { return absl::StartsWith(text, prefix); }
  std::string prefix;
};
struct EndsWith {
  using Result = bool;
  explicit EndsWith(OperatorInit* init) : suffix(init->GetSingleArgument<std::string>("suffix")) {}
  bool operator()(absl::string_view text) const { return absl::EndsWith(text, suffix); }
  std::string suffix;
};
struct Equals {
  using Result = bool;
  explicit Equals(OperatorInit* init) : wanted(init->GetSingleArgument<std::string>("text")) {}
  bool operator()(absl::string_view text) const { return text == wanted; }
  std::string wanted;
};

DOPPIO_REGISTER_CPU_OPERATOR(StringPrefix, StringOp<CPUContext, Prefix>);
DOPPIO_REGISTER_CPU_OPERATOR(StringSuffix, StringOp<CPUContext, Suffix>);
DOPPIO_REGISTER_CPU_OPERATOR(StringStartsWith, StringOp<CPUContext, StartsWith>);
DOPPIO_REGISTER_CPU_OPERATOR(StringEndsWith, StringOp<CPUContext, EndsWith>);
DOPPIO_REGISTER_CPU_OPERATOR(StringEquals, StringOp<CPUContext, Equals>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(StringPrefix);
DOPPIO_SHOULD_NOT_DO_GRADIENT(StringSuffix);
DOPPIO_SHOULD_NOT_DO_GRADIENT(StringStartsWith);
DOPPIO_SHOULD_NOT_DO_GRADIENT(StringEndsWith);
DOPPIO_SHOULD_NOT_DO_GRADIENT(StringEquals);

}  // namespace
}  // namespace doppio
