#include <utility>
#include <vector>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/queue/record_queue.h"
#include "src/operator/element_copy.h"
#include "src/operator/lengths_input.h"

namespace doppio {

DOPPIO_REGISTER_BLOB_TYPE(RebatchingQueue);

namespace {

DOPPIO_OPERATOR_SCHEMA(CreateRebatchingQueue)
    .NumInputs(0)
    .NumOutputs(1)
    .Doc(R"DOC(
Makes a queue that takes batches apart and makes batches of another size: it holds elements, each of
`num_blobs` tensors, at most `capacity` of them. A queue that the blob held before is closed.
)DOC")
    .Arg<int64_t>("capacity", "most elements in the queue, at least 1", 1)
    .Arg<int64_t>("num_blobs", "tensors in an element, at least 1", 1)
    .Output(0, "queue", "a queue, which is no tensor")
    .HasSideEffects();

template <class Context>
class CreateRebatchingQueueOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit CreateRebatchingQueueOp(OperatorInit* init)
      : Operator<Context>(init), arguments_(init) {}

  absl::Status RunOnDevice() override {
    OutputBlob(0)->template GetMutable<RebatchingQueue>()->Replace(
        RecordQueue::Create(arguments_.capacity, arguments_.num_blobs));
    return absl::OkStatus();
  }

 private:
  QueueArguments arguments_;
};

DOPPIO_OPERATOR_SCHEMA(EnqueueRebatchingQueue)
    .NumInputs(2, OpSchema::kMany)
    .NumOutputs(0)
    .AllowAnyInput(0)
    .Doc(R"DOC(
Puts an element into a queue, or with `enqueue_batch` one for each row of the tensors, and waits for
room where the queue is full. Fails where the queue is closed; rows that went in before stay in it.

Example: [[1,2],[3,4]] is an element of shape [2,2]; with `enqueue_batch` it is two, [1,2] and [3,4].
)DOC")
    .Arg<bool>("enqueue_batch", "each row is an element", false)
    .Input(0, "queue", "a queue, made by CreateRebatchingQueue")
    .Input(1, "tensor_0", "first tensor of the element; the others follow")
    .HasSideEffects();

template <class Context>
class EnqueueRebatchingQueueOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit EnqueueRebatchingQueueOp(OperatorInit* init)
      : Operator<Context>(init), enqueue_batch_(init->GetSingleArgument<bool>("enqueue_batch")) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const std::shared_ptr<RecordQueue> queue,
                            QueueInput<RebatchingQueue>(*this, 0));
    DOPPIO_RETURN_IF_ERROR(CheckFieldCount(*queue, InputSize() - 1, "tensors"));
    std::vector<Tensor> element;
    if (!enqueue_batch_) {
      for (int i = 1; i < InputSize(); ++i) element.push_back(Input(i));
      return Push(queue.get(), std::move(element));
    }
    for (int i = 1; i < InputSize(); ++i) {
      DOPPIO_RETURN_IF_ERROR(CheckNotScalar(Input(i).dims(), DescribeInput(i)));
      if (Input(i).dim(0) != Input(1).dim(0)) {
        return absl::InvalidArgumentError(
            absl::StrCat(DescribeInput(i), " must have as many rows as ", DescribeInput(1)));
      }
    }
    for (int64_t row = 0; row < Input(1).dim(0); ++row) {
      element.clear();
      for (int i = 1; i < InputSize(); ++i) {
        const Tensor& batch = Input(i);
        const DimsView dims = DimsView(batch.dims()).subspan(1);
        DOPPIO_ASSIGN_OR_RETURN(Tensor part, Tensor::Create(batch.dtype(), dims));
        ElementCopy(batch, &part)(row * part.numel(), 0, part.numel());
        element.push_back(std::move(part));
      }
      DOPPIO_RETURN_IF_ERROR(Push(queue.get(), std::move(element)));
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Push(RecordQueue* queue, std::vector<Tensor> element) {
    QueueRecord record = RecordOfTensors(std::move(element));
    DOPPIO_ASSIGN_OR_RETURN(const bool is_in, queue->Push(&record, /*fills_closed=*/false));
    if (is_in) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat("queue ", DescribeInput(0), " is closed"));
  }

  bool enqueue_batch_;
};

DOPPIO_OPERATOR_SCHEMA(DequeueRebatchingQueue)
    .NumInputs(1)
    .NumOutputs(1, OpSchema::kMany)
    .AllowAnyInput(0)
    .Doc(R"DOC(
Takes `num_elements` elements out of a queue, waits until there are so many, and makes a batch of them
for each tensor, in a new first dimension. Where the queue is closed there may be fewer; where nothing
is left in it either, the operator fails.

Example: elements [1,2] and [3,4], and `num_elements` 2, give [[1,2],[3,4]].
)DOC")
    .Arg<int64_t>("num_elements", "elements to take, at least 1", 1)
    .Input(0, "queue", "a queue, made by CreateRebatchingQueue")
    .Output(0, "tensor_0", "batch of the first tensor; the others follow")
    .HasSideEffects();

template <class Context>
class DequeueRebatchingQueueOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit DequeueRebatchingQueueOp(OperatorInit* init)
      : Operator<Context>(init), num_elements_(init->GetSingleArgument<int64_t>("num_elements")) {
    if (num_elements_ < 1) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("num_elements is ", num_elements_, ", must be at least 1")));
    }
  }

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const std::shared_ptr<RecordQueue> queue,
                            QueueInput<RebatchingQueue>(*this, 0));
    DOPPIO_RETURN_IF_ERROR(CheckFieldCount(*queue, OutputSize(), "outputs"));
    DOPPIO_ASSIGN_OR_RETURN(const std::vector<QueueRecord> elements, queue->PopMany(num_elements_));
    if (elements.empty()) {
      return absl::OutOfRangeError(
          absl::StrCat("queue ", DescribeInput(0), " is closed and empty"));
    }
    for (int i = 0; i < OutputSize(); ++i) DOPPIO_RETURN_IF_ERROR(Stack(i, elements));
    return absl::OkStatus();
  }

 private:
  absl::Status Stack(int i, const std::vector<QueueRecord>& elements) {
    const Tensor& first = elements[0][i].tensor;
    Dims dims = {static_cast<int64_t>(elements.size())};
    dims.insert(dims.end(), first.dims().begin(), first.dims().end());
    for (const QueueRecord& element : elements) {
      const Tensor& part = element[i].tensor;
      if (part.dtype() == first.dtype() && part.dims() == first.dims()) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("tensor ", i, " of an element is ", part.TypeAndShape(),
                       ", which does not go into one batch with ", first.TypeAndShape()));
    }
    DOPPIO_ASSIGN_OR_RETURN(Tensor * batch, Output(i, first.dtype(), dims));
    int64_t to = 0;
    for (const QueueRecord& element : elements) {
      ElementCopy(element[i].tensor, batch)(0, to, first.numel());
      to += first.numel();
    }
    return absl::OkStatus();
  }

  int64_t num_elements_;
};

DOPPIO_OPERATOR_SCHEMA(CloseRebatchingQueue)
    .NumInputs(1)
    .NumOutputs(0)
    .AllowAnyInput(0)
    .Doc(R"DOC(
Closes a queue: nobody waits for it any more, and nothing more goes in. What is in it can still be taken
out.
)DOC")
    .Input(0, "queue", "a queue, made by CreateRebatchingQueue")
    .HasSideEffects();

template <class Context>
class CloseRebatchingQueueOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit CloseRebatchingQueueOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const std::shared_ptr<RecordQueue> queue,
                            QueueInput<RebatchingQueue>(*this, 0));
    queue->Close();
    return absl::OkStatus();
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(CreateRebatchingQueue, CreateRebatchingQueueOp<CPUContext>);
DOPPIO_NO_GRADIENT(CreateRebatchingQueue);
DOPPIO_REGISTER_CPU_OPERATOR(EnqueueRebatchingQueue, EnqueueRebatchingQueueOp<CPUContext>);
DOPPIO_NO_GRADIENT(EnqueueRebatchingQueue);
DOPPIO_REGISTER_CPU_OPERATOR(DequeueRebatchingQueue, DequeueRebatchingQueueOp<CPUContext>);
DOPPIO_NO_GRADIENT(DequeueRebatchingQueue);
DOPPIO_REGISTER_CPU_OPERATOR(CloseRebatchingQueue, CloseRebatchingQueueOp<CPUContext>);
DOPPIO_NO_GRADIENT(CloseRebatchingQueue);

}  // namespace
}  // namespace doppio
