#include <string>

#include "absl/strings/str_cat.h"
#include "doppio/gradient_maker.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

using Types = TypeList<float, double, int8_t, uint8_t, int16_t, uint16_t, int32_t, int64_t,
                       std::string, bool>;

// How many strings there are, of how many elements each, which stand `stride` apart.
struct Joined {
  int64_t count;
  int64_t length;
  int64_t first_stride;  // between the first elements of two strings
  int64_t stride;
};

absl::StatusOr<Joined> JoinedBy(int axis, DimsView x) {
  if (axis != 0 && axis != 1) {
    return absl::InvalidArgumentError(absl::StrCat("axis is ", axis, ", but must be 0 or 1"));
  }
  if (x.size() == 2) {
    return axis == 0 ? Joined{x[0], x[1], x[1], 1} : Joined{x[1], x[0], 1, x[1]};
  }
  if (x.size() == 1 && axis == 0) return Joined{x[0], 1, 1, 1};
  return absl::InvalidArgumentError(absl::StrCat("X ", ShapeToString(x), " must be a matrix",
                                                 axis == 0 ? " or a vector" : " for axis=1"));
}

DOPPIO_OPERATOR_SCHEMA(StringJoin)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc(R"DOC(
Makes a string of each row of a matrix, or with axis=1 of each column: its elements, each with
`delimiter` behind it. Of a vector every element is a row. Numbers are written with up to six digits,
bool as 0 and 1; int8 and uint8 as numbers too, where Caffe2 writes them as characters.

Example: X [2,2] = [["a","b"],["c","d"]] gives ["a,b,","c,d,"].
)DOC")
    .Arg<std::string>("delimiter", "what stands behind every element", ",")
    .Arg<int>("axis", "0: rows become strings; 1: columns do", 0)
    .Input(0, "X", "matrix or vector of float, double, string, bool or integers")
    .Output(0, "strings", "vector of strings")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const int axis = context->GetSingleArgument<int>("axis");
      DOPPIO_ASSIGN_OR_RETURN(const Joined joined, JoinedBy(axis, context->dims(0)));
      context->SetOutput(0, DataType::kString, {joined.count});
      return absl::OkStatus();
    });

template <class Context>
class StringJoinOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit StringJoinOp(OperatorInit* init)
      : Operator<Context>(init),
        delimiter_(init->GetSingleArgument<std::string>("delimiter")),
        axis_(init->GetSingleArgument<int>("axis")) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const Joined joined, JoinedBy(axis_, x.dims()));
    return DispatchType(Types(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * strings, Output(0, DataType::kString, {joined.count}));
      const T* in = x.data<T>();
      std::string* out = strings->mutable_data<std::string>();
      for (int64_t i = 0; i < joined.count; ++i) {
        out[i].clear();
        for (int64_t j = 0; j < joined.length; ++j) {
          const T& element = in[i * joined.first_stride + j * joined.stride];
          if constexpr (sizeof(T) == 1) {
            absl::StrAppend(&out[i], static_cast<int>(element), delimiter_);
          } else {
            absl::StrAppend(&out[i], element, delimiter_);
          }
        }
      }
      return absl::OkStatus();
    });
  }

 private:
  const std::string delimiter_;
  const int axis_;
};

DOPPIO_REGISTER_CPU_OPERATOR(StringJoin, StringJoinOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(StringJoin);

}  // namespace
}  // namespace doppio
