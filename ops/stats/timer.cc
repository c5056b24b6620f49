#include <chrono>
#include <memory>
#include <optional>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/stats/stat_registry.h"
#include "src/operator/shared_state.h"

namespace doppio {
namespace {

// Measures from Begin to End, and adds what it measured to the registry of the process.
class Timer {
 public:
  explicit Timer(const std::string& name)
      : names_({absl::StrCat(name, "/time_ns/sum"), absl::StrCat(name, "/time_ns/count")}) {
    StatRegistry::OfProcess().Add(names_, {0, 0});
  }

  absl::Status Begin() {
    const std::lock_guard<std::mutex> held(mutex_);
    if (begin_) return absl::FailedPreconditionError("the timer runs already");
    begin_ = Clock::now();
    return absl::OkStatus();
  }

  // Nanoseconds since Begin. With `end`, the timer stops.
  absl::StatusOr<int64_t> Read(bool end) {
    const std::lock_guard<std::mutex> held(mutex_);
    if (!begin_) return absl::FailedPreconditionError("the timer does not run");
    const int64_t nanos =
        std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - *begin_).count();
    if (end) {
      StatRegistry::OfProcess().Add(names_, {nanos, 1});
      begin_.reset();
    }
    return nanos;
  }

 private:
  using Clock = std::chrono::steady_clock;

  std::mutex mutex_;
  const std::vector<std::string> names_;
  std::optional<Clock::time_point> begin_;
};

// The timer belongs to the operator that begins it, and to the blobs that name it.
using TimerReference = std::shared_ptr<Timer>;
DOPPIO_REGISTER_BLOB_TYPE(TimerReference);

constexpr char kTimerInput[] = "a timer that runs, made by TimerBegin";

DOPPIO_OPERATOR_SCHEMA(TimerBegin)
    .NumInputs(0)
    .NumOutputs(1)
    .Doc(R"DOC(
Starts a timer of its own, a blob that is no tensor. It must not run any more when the operator runs
again. What it measures until TimerEnd or TimerGetAndEnd is added to the registry of the process, as
NAME/time_ns/sum, and 1 to NAME/time_ns/count (StatRegistryExport).

Example: TimerBegin() -> timer, a net, and TimerEnd(timer) make "timer/time_ns/count" 1.
)DOC")
    .OptionalArg<std::string>("counter_name", "the timer's name; default: that of the output")
    .Output(0, "timer", "the timer")
    .HasSideEffects();

DOPPIO_OPERATOR_SCHEMA(TimerEnd)
    .NumInputs(1)
    .NumOutputs(0)
    .AllowAnyInput(0)
    .Doc(R"DOC(
Stops a timer. What it measured is added to the registry of the process.

Example: a second TimerEnd fails, as the timer does not run.
)DOC")
    .Input(0, "timer", kTimerInput)
    .TensorInference([](InferenceContext*) { return absl::OkStatus(); })
    .HasSideEffects();

DOPPIO_OPERATOR_SCHEMA(TimerGetAndEnd)
    .NumInputs(1)
    .NumOutputs(1)
    .AllowAnyInput(0)
    .Doc(R"DOC(
How long a timer ran, and stops it as TimerEnd does.

Example: a timer that ran a millisecond gives [1000000] or a little more.
)DOC")
    .Input(0, "timer", kTimerInput)
    .Output(0, "nanos", "vector of one int64: nanoseconds since TimerBegin")
    .TensorInference([](InferenceContext* context) {
      context->SetOutput(0, DataType::kInt64, {1});
      return absl::OkStatus();
    })
    .HasSideEffects();

DOPPIO_OPERATOR_SCHEMA(TimerGet)
    .NumInputs(1)
    .NumOutputs(1)
    .AllowAnyInput(0)
    .Doc(R"DOC(
How long a timer runs already. It goes on.

Example: a timer that began a millisecond ago gives 1000000 or a little more.
)DOC")
    .Input(0, "timer", kTimerInput)
    .Output(0, "nanos", "scalar of int64: nanoseconds since TimerBegin")
    .ScalarType(DataType::kInt64)
    .HasSideEffects();

template <class Context>
class TimerBeginOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit TimerBeginOp(OperatorInit* init)
      : Operator<Context>(init),
        timer_(std::make_shared<Timer>(
            init->GetSingleArgument<std::string>("counter_name", init->def().output(0)))) {}

  absl::Status RunOnDevice() override {
    DOPPIO_RETURN_IF_ERROR(timer_->Begin());
    *OutputBlob(0)->template GetMutable<TimerReference>() = timer_;
    return absl::OkStatus();
  }

 private:
  const TimerReference timer_;
};

// What a timer shows, and `is_end`: stops it. Output 0 has that shape, where there is one.
template <class Context, bool is_end, int rank>
class TimerReadOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit TimerReadOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(TimerReference * timer,
                            SharedState<TimerReference>(*this, 0, "a timer that TimerBegin made"));
    DOPPIO_ASSIGN_OR_RETURN(const int64_t nanos, (*timer)->Read(is_end));
    if (OutputSize() == 0) return absl::OkStatus();
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, DataType::kInt64, Dims(rank, 1)));
    *output->template mutable_data<int64_t>() = nanos;
    return absl::OkStatus();
  }
};

using TimerEndOp = TimerReadOp<CPUContext, true, 0>;
using TimerGetOp = TimerReadOp<CPUContext, false, 0>;
using TimerGetAndEndOp = TimerReadOp<CPUContext, true, 1>;

DOPPIO_REGISTER_CPU_OPERATOR(TimerBegin, TimerBeginOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(TimerEnd, TimerEndOp);
DOPPIO_REGISTER_CPU_OPERATOR(TimerGetAndEnd, TimerGetAndEndOp);
DOPPIO_REGISTER_CPU_OPERATOR(TimerGet, TimerGetOp);
DOPPIO_SHOULD_NOT_DO_GRADIENT(TimerBegin);
DOPPIO_SHOULD_NOT_DO_GRADIENT(TimerEnd);
DOPPIO_SHOULD_NOT_DO_GRADIENT(TimerGetAndEnd);
DOPPIO_SHOULD_NOT_DO_GRADIENT(TimerGet);

}  // namespace
}  // namespace doppio
