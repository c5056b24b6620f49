#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

using MemberTypes = TypeList<int32_t, int64_t, bool, std::string>;

DOPPIO_OPERATOR_SCHEMA(IsMemberOf)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc(R"DOC(
Whether each element is one of the values in the argument `value`.

Example: value = [0,2,4] and X = [1,2,2,4] give Y = [false,true,true,true].

Caffe2 finds nothing where X has another type than `dtype`; here that is an error.
)DOC")
    .AnyArg("value", "the values: whole numbers in `ints` (0 and 1 for bool), or `strings`")
    .AnyArg("dtype",
            "the type of X, as a number of TensorProto.DataType or a name: int32, int64, bool or "
            "string; default: any of them")
    .Input(0, "X", "tensor of int32, int64, bool or string, of any shape")
    .Output(0, "Y", "tensor of bool, of X's shape")
    .TensorInference([](InferenceContext* context) {
      context->SetOutput(0, DataType::kBool, context->dims(0));
      return absl::OkStatus();
    });

template <class Context>
class IsMemberOfOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit IsMemberOfOp(OperatorInit* init)
      : Operator<Context>(init), dtype_(init->GetDataTypeArgument("dtype", DataType::kUndefined)) {
    if (dtype_ != DataType::kUndefined) {
      init->Fail(
          Annotate(DispatchType(MemberTypes(), dtype_, [](auto) { return absl::OkStatus(); }),
                   "argument \"dtype\""));
    }
    const Argument* value = init->Find("value");
    if (value == nullptr) {
      init->Fail(absl::InvalidArgumentError("argument \"value\" is missing"));
    } else if (value->strings_size() > 0) {
      strings_ = init->GetRepeatedArgument<std::string>("value");
    } else {
      numbers_ = init->GetRepeatedArgument<int64_t>("value");
    }
    std::sort(strings_.begin(), strings_.end());
    std::sort(numbers_.begin(), numbers_.end());
  }

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    if (dtype_ != DataType::kUndefined && x.dtype() != dtype_) {
      return absl::InvalidArgumentError(absl::StrCat("X ", DescribeInput(0), " must have the type ",
                                                     DataTypeName(dtype_),
                                                     ", as the argument \"dtype\" says"));
    }
    return DispatchType(MemberTypes(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      constexpr bool kIsString = std::is_same_v<T, std::string>;
      if (kIsString ? !numbers_.empty() : !strings_.empty()) {
        return absl::InvalidArgumentError(absl::StrCat("X is ", DescribeInput(0),
                                                       ", but the argument \"value\" holds ",
                                                       kIsString ? "numbers" : "strings"));
      }
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, DataType::kBool, x.dims()));
      const T* from = x.data<T>();
      bool* to = y->mutable_data<bool>();
      constexpr int64_t kGrain = 1 << 12;
      ParallelFor(y->numel(), kGrain, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          if constexpr (kIsString) {
            to[i] = std::binary_search(strings_.begin(), strings_.end(), from[i]);
          } else {
            to[i] =
                std::binary_search(numbers_.begin(), numbers_.end(), static_cast<int64_t>(from[i]));
          }
        }
      });
      return absl::OkStatus();
    });
  }

 private:
  const DataType dtype_;
  // Sorted; one of them is empty.
  std::vector<int64_t> numbers_;
  std::vector<std::string> strings_;
};

DOPPIO_REGISTER_CPU_OPERATOR(IsMemberOf, IsMemberOfOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(IsMemberOf);

}  // namespace
}  // namespace doppio
