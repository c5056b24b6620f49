#include <chrono>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(WallClockTime)
    .NumInputs(0)
    .NumOutputs(1)
    .Doc("The time of day: nanoseconds since the beginning of 1970 in UTC.")
    .Output(0, "time", "int64 scalar")
    .HasSideEffects()
    .ScalarType(DataType::kInt64);

template <class Context>
class WallClockTimeOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit WallClockTimeOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(Tensor * time, Output(0, DataType::kInt64, {}));
    *time->mutable_data<int64_t>() = std::chrono::duration_cast<std::chrono::nanoseconds>(
                                         std::chrono::system_clock::now().time_since_epoch())
                                         .count();
    return absl::OkStatus();
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(WallClockTime, WallClockTimeOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(WallClockTime);

}  // namespace
}  // namespace doppio
