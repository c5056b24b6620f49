#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/operator/mutex.h"
#include "src/operator/shared_state.h"

namespace doppio {
namespace {

template <typename T>
void StateAtomicFetchAdd(OpSchema& schema) {
  const absl::string_view type = DataTypeName(DataTypeOf<T>::value);
  // The first number is another thread's while that has the lock: it is looked at in the run.
  schema.NumInputs(3)
      .NumOutputs(2)
      .AllowInplace({{1, 0}})
      .AllowAnyInput(0)
      .AllowAnyInput(1)
      .Doc(R"DOC(
Adds to a number while it holds a lock, and says what the number was before: nets that run at the same
time may change one blob. A sum that the type does not hold is an error.

Example: 5 and an increment of 2 give 7 and 5.
)DOC")
      .Input(0, "mutex_ptr", "a lock, made by CreateMutex")
      .Input(1, "mut_value", absl::StrCat("one ", type))
      .Input(2, "increment", absl::StrCat("one ", type))
      .Output(0, "mut_value", "scalar: the sum; as a rule the blob of input 1")
      .Output(1, "fetched_value", "scalar: input 1 before")
      .ScalarType(DataTypeOf<T>::value)
      .HasSideEffects();
}

DOPPIO_OPERATOR_SCHEMA(AtomicFetchAdd).FillUsing(StateAtomicFetchAdd<int32_t>);
DOPPIO_OPERATOR_SCHEMA(AtomicFetchAdd64).FillUsing(StateAtomicFetchAdd<int64_t>);

template <class Context, typename T>
class AtomicFetchAddOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit AtomicFetchAddOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(Mutex * lock, SharedState<Mutex>(*this, 0, kMutexFromCreateMutex));
    const std::lock_guard<std::mutex> held(lock->mutex);
    DOPPIO_ASSIGN_OR_RETURN(const T before, Number(1));
    DOPPIO_ASSIGN_OR_RETURN(const T increment, Number(2));
    T sum = 0;
    if (__builtin_add_overflow(before, increment, &sum)) {
      return absl::OutOfRangeError(absl::StrCat(before, " + ", increment, " is more than ",
                                                DataTypeName(DataTypeOf<T>::value), " holds"));
    }
    DOPPIO_RETURN_IF_ERROR(Write(0, sum));
    return Write(1, before);
  }

 private:
  absl::StatusOr<T> Number(int i) const {
    const Tensor* tensor = InputBlob(i).template Get<Tensor>();
    if (tensor != nullptr && tensor->Is<T>() && tensor->numel() == 1) return *tensor->data<T>();
    return absl::InvalidArgumentError(absl::StrCat("input ", i, " must be one ",
                                                   DataTypeName(DataTypeOf<T>::value), ", but is ",
                                                   DescribeInput(i)));
  }

  absl::Status Write(int i, T value) {
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(i, DataTypeOf<T>::value, {}));
    *output->template mutable_data<T>() = value;
    return absl::OkStatus();
  }
};

using AtomicFetchAdd32Op = AtomicFetchAddOp<CPUContext, int32_t>;
using AtomicFetchAdd64Op = AtomicFetchAddOp<CPUContext, int64_t>;

DOPPIO_REGISTER_CPU_OPERATOR(AtomicFetchAdd, AtomicFetchAdd32Op);
DOPPIO_REGISTER_CPU_OPERATOR(AtomicFetchAdd64, AtomicFetchAdd64Op);
DOPPIO_SHOULD_NOT_DO_GRADIENT(AtomicFetchAdd);
DOPPIO_SHOULD_NOT_DO_GRADIENT(AtomicFetchAdd64);

}  // namespace
}  // namespace doppio
