#include <atomic>
#include <limits>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "doppio/serialize.h"
#include "src/operator/shared_state.h"

namespace doppio {
namespace {

// A number that several threads count in.
class Counter {
 public:
  int64_t count() const { return count_.load(); }
  // Both give the count before.
  int64_t Reset(int64_t count) { return count_.exchange(count); }
  absl::StatusOr<int64_t> Add(int64_t step) {
    int64_t before = count_.load();
    int64_t after = 0;
    do {
      if (__builtin_add_overflow(before, step, &after)) {
        return absl::OutOfRangeError(
            absl::StrCat("the counter is ", before, " and has no room for ", step, " more"));
      }
    } while (!count_.compare_exchange_weak(before, after));
    return before;
  }

 private:
  std::atomic<int64_t> count_{0};
};

DOPPIO_REGISTER_BLOB_TYPE(Counter);

// Caffe2's name of the type in files. The count stands there as a tensor of one int64.
constexpr char kTypeInFiles[] = "std::unique_ptr<Counter<int64_t>>";

absl::Status Serialize(const Blob& blob, absl::string_view name, const SerializeOptions&,
                       const BlobSink& sink) {
  BlobProto proto;
  proto.set_name(std::string(name));
  proto.set_type(kTypeInFiles);
  TensorProto* tensor = proto.mutable_tensor();
  tensor->set_name(std::string(name));
  tensor->set_data_type(TensorProto::INT64);
  tensor->add_dims(1);
  tensor->add_int64_data(blob.Get<Counter>()->count());
  return sink(std::string(name), std::move(proto));
}

absl::Status Deserialize(absl::Span<const BlobProto> chunks, const Limits& limits, Blob* blob) {
  if (chunks.size() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("a counter must be one message, but is ", chunks.size()));
  }
  DOPPIO_ASSIGN_OR_RETURN(const Tensor count, TensorFromProto(chunks[0].tensor(), limits));
  if (!count.Is<int64_t>() || count.numel() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("a counter must be one int64, but is ", count.TypeAndShape()));
  }
  blob->GetMutable<Counter>()->Reset(*count.data<int64_t>());
  return absl::OkStatus();
}

[[maybe_unused]] const absl::Status kRegistered =
    RegisterBlobSerializer(typeid(Counter), {kTypeInFiles, Serialize, Deserialize});

constexpr char kInitCount[] = "init_count";
constexpr char kCounterInput[] = "a counter, made by CreateCounter, which is no tensor";

DOPPIO_OPERATOR_SCHEMA(CreateCounter)
    .NumInputs(0)
    .NumOutputs(1)
    .Doc(R"DOC(
Makes a counter, a blob that is no tensor: CountUp and CountDown change it, from several threads at the
same time if need be. Where the blob is a counter already, that one starts anew.

Example: after init_count = 5, RetrieveCount gives 5.
)DOC")
    .Arg<int64_t>(kInitCount, "the count to begin with, not negative", 0)
    .Output(0, "counter", "the counter")
    .HasSideEffects();

DOPPIO_OPERATOR_SCHEMA(ResetCounter)
    .NumInputs(1)
    .NumOutputs(0, 1)
    .AllowAnyInput(0)
    .Doc(R"DOC(
Gives a counter another count, and says which it had, in one step.

Example: init_count = 3 and a count of 5 give 5 as output and a count of 3.
)DOC")
    .Arg<int64_t>(kInitCount, "the new count, not negative", 0)
    .Input(0, "counter", kCounterInput)
    .Output(0, "previous_value", "the count before, a scalar of int64; may be left out")
    .ScalarType(DataType::kInt64)
    .HasSideEffects();

DOPPIO_OPERATOR_SCHEMA(CountDown)
    .NumInputs(1)
    .NumOutputs(1)
    .AllowAnyInput(0)
    .Doc(R"DOC(
Takes 1 from a counter, in one step, and says whether the count was 0 or less before. So a counter
that starts at n says n times that it is not done, to however many threads. Below 0 it goes on.

Example: a count of 1 gives false and becomes 0; then it gives true and becomes -1.
)DOC")
    .Input(0, "counter", kCounterInput)
    .Output(0, "done", "scalar of bool: whether the count was 0 or less")
    .ScalarType(DataType::kBool)
    .HasSideEffects();

DOPPIO_OPERATOR_SCHEMA(CheckCounterDone)
    .NumInputs(1)
    .NumOutputs(1)
    .AllowAnyInput(0)
    .Doc(R"DOC(
Whether a counter is at 0 or below. It stays as it is.

Example: a count of 1 gives false, a count of 0 true.
)DOC")
    .Input(0, "counter", kCounterInput)
    .Output(0, "done", "scalar of bool: whether the count is 0 or less")
    .ScalarType(DataType::kBool)
    .HasSideEffects();

DOPPIO_OPERATOR_SCHEMA(CountUp)
    .NumInputs(1)
    .NumOutputs(1)
    .AllowAnyInput(0)
    .Doc(R"DOC(
Adds 1 to a counter and says which count it had before, in one step: no two threads are given the
same one.

Example: a count of 5 gives 5 and becomes 6.
)DOC")
    .Input(0, "counter", kCounterInput)
    .Output(0, "previous_count", "scalar of int64: the count before")
    .ScalarType(DataType::kInt64)
    .HasSideEffects();

DOPPIO_OPERATOR_SCHEMA(RetrieveCount)
    .NumInputs(1)
    .NumOutputs(1)
    .AllowAnyInput(0)
    .Doc(R"DOC(
The count of a counter, which stays as it is.

Example: a count of 5 gives 5.
)DOC")
    .Input(0, "counter", kCounterInput)
    .Output(0, "count", "scalar of int64: the count")
    .ScalarType(DataType::kInt64)
    .HasSideEffects();

int64_t ReadInitCount(OperatorInit* init) {
  const int64_t count = init->GetSingleArgument<int64_t>(kInitCount);
  if (count < 0) {
    init->Fail(absl::InvalidArgumentError(
        absl::StrCat("init_count must not be negative, but is ", count)));
  }
  return count;
}

absl::StatusOr<Counter*> CounterInput(const OperatorBase& op) {
  return SharedState<Counter>(op, 0, "a counter that CreateCounter made");
}

template <class Context>
class CreateCounterOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit CreateCounterOp(OperatorInit* init)
      : Operator<Context>(init), init_count_(ReadInitCount(init)) {}

  absl::Status RunOnDevice() override {
    OutputBlob(0)->template GetMutable<Counter>()->Reset(init_count_);
    return absl::OkStatus();
  }

 private:
  const int64_t init_count_;
};

template <class Context>
class ResetCounterOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ResetCounterOp(OperatorInit* init)
      : Operator<Context>(init), init_count_(ReadInitCount(init)) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(Counter * counter, CounterInput(*this));
    const int64_t before = counter->Reset(init_count_);
    if (OutputSize() == 0) return absl::OkStatus();
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, DataType::kInt64, {}));
    *output->template mutable_data<int64_t>() = before;
    return absl::OkStatus();
  }

 private:
  const int64_t init_count_;
};

struct Down {
  static absl::StatusOr<bool> Of(Counter* counter) {
    DOPPIO_ASSIGN_OR_RETURN(const int64_t before, counter->Add(-1));
    return before <= 0;
  }
};

struct Up {
  static absl::StatusOr<int64_t> Of(Counter* counter) { return counter->Add(1); }
};

struct IsDone {
  static absl::StatusOr<bool> Of(Counter* counter) { return counter->count() <= 0; }
};

struct Count {
  static absl::StatusOr<int64_t> Of(Counter* counter) { return counter->count(); }
};

// The scalar that `Action` makes of the counter.
template <class Context, class Action>
class CounterOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit CounterOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(Counter * counter, CounterInput(*this));
    DOPPIO_ASSIGN_OR_RETURN(const auto value, Action::Of(counter));
    using T = std::remove_const_t<decltype(value)>;
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, DataTypeOf<T>::value, {}));
    *output->template mutable_data<T>() = value;
    return absl::OkStatus();
  }
};

using CountDownOp = CounterOp<CPUContext, Down>;
using CountUpOp = CounterOp<CPUContext, Up>;
using CheckCounterDoneOp = CounterOp<CPUContext, IsDone>;
using RetrieveCountOp = CounterOp<CPUContext, Count>;

DOPPIO_REGISTER_CPU_OPERATOR(CreateCounter, CreateCounterOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(ResetCounter, ResetCounterOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(CountDown, CountDownOp);
DOPPIO_REGISTER_CPU_OPERATOR(CheckCounterDone, CheckCounterDoneOp);
DOPPIO_REGISTER_CPU_OPERATOR(CountUp, CountUpOp);
DOPPIO_REGISTER_CPU_OPERATOR(RetrieveCount, RetrieveCountOp);
DOPPIO_SHOULD_NOT_DO_GRADIENT(CreateCounter);
DOPPIO_SHOULD_NOT_DO_GRADIENT(ResetCounter);
DOPPIO_SHOULD_NOT_DO_GRADIENT(CountDown);
DOPPIO_SHOULD_NOT_DO_GRADIENT(CheckCounterDone);
DOPPIO_SHOULD_NOT_DO_GRADIENT(CountUp);
DOPPIO_SHOULD_NOT_DO_GRADIENT(RetrieveCount);

}  // namespace
}  // namespace doppio
