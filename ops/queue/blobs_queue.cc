#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "doppio/gradient_maker.h"
#include "doppio/random_engine.h"
#include "doppio/registry.h"
#include "ops/queue/record_queue.h"
#include "src/operator/element_copy.h"
#include "src/operator/movable_blob.h"

namespace doppio {

DOPPIO_REGISTER_BLOB_TYPE(BlobsQueue);

namespace {

// An operator whose blobs go into a queue or come out of one.
template <class Context>
class BlobsQueueOperator : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit BlobsQueueOperator(OperatorInit* init) : Operator<Context>(init) {}

 protected:
  // What the first `count` outputs hold goes into the queue; false where that is closed and full.
  absl::StatusOr<bool> Enqueue(RecordQueue* queue, int count) {
    QueueRecord record(static_cast<size_t>(count));
    absl::StatusOr<bool> is_in = TakeRecord(&record);
    if (is_in.ok()) is_in = queue->Push(&record, /*fills_closed=*/true);
    // What did not go in stays where it was.
    for (size_t i = 0; i < record.size(); ++i) {
      if (record[i].other == nullptr || record[i].other->IsEmpty()) continue;
      DOPPIO_RETURN_IF_ERROR(MoveBlob(record[i].other.get(), OutputBlob(static_cast<int>(i))));
    }
    return is_in;
  }

  absl::Status SetOutputs(QueueRecord record) {
    for (size_t i = 0; i < record.size(); ++i) {
      const int output = static_cast<int>(i);
      if (record[i].other == nullptr) {
        SetOutput(output, std::move(record[i].tensor));
      } else {
        DOPPIO_RETURN_IF_ERROR(MoveBlob(record[i].other.get(), OutputBlob(output)));
      }
    }
    return absl::OkStatus();
  }

 private:
  absl::StatusOr<bool> TakeRecord(QueueRecord* record) {
    for (size_t i = 0; i < record->size(); ++i) {
      Blob* blob = OutputBlob(static_cast<int>(i));
      QueueValue& value = (*record)[i];
      absl::Status status;
      if (!blob->IsTensor()) {
        value.other = std::make_unique<Blob>();
        status = MoveBlob(blob, value.other.get());
      } else if (blob->Get<Tensor>()->dtype() == DataType::kUndefined) {
        status = absl::FailedPreconditionError("there is no value yet");
      } else {
        value.tensor = *blob->Get<Tensor>();
      }
      if (!status.ok()) return Annotate(status, DescribeInput(static_cast<int>(i) + 1));
    }
    return true;
  }
};

DOPPIO_OPERATOR_SCHEMA(CreateBlobsQueue)
    .NumInputs(0)
    .NumOutputs(1)
    .Doc(R"DOC(
Makes a queue in which threads hand records on: EnqueueBlobs puts what `num_blobs` blobs hold into it,
DequeueBlobs takes it out in the same order. At most `capacity` records wait in it. A queue that the
blob held before is closed.

Tensors, strings, packed records, maps and cursors go through a queue, all without a copy. A queue keeps
them itself, and makes no blobs for them, as Caffe2 does.
)DOC")
    .Arg<int64_t>("capacity", "most records in the queue, at least 1", 1)
    .Arg<int64_t>("num_blobs", "blobs in a record, at least 1", 1)
    .Arg<bool>("enforce_unique_name", "accepted, and of no effect", false)
    .OptionalArg<std::vector<std::string>>("field_names",
                                           "names for people, as many as num_blobs if any")
    .Output(0, "queue", "a queue, which is no tensor")
    .HasSideEffects();

template <class Context>
class CreateBlobsQueueOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit CreateBlobsQueueOp(OperatorInit* init) : Operator<Context>(init), arguments_(init) {
    const size_t names = init->GetRepeatedArgument<std::string>("field_names").size();
    if (names != 0 && static_cast<int64_t>(names) != arguments_.num_blobs) {
      init->Fail(absl::InvalidArgumentError(absl::StrCat(
          "there are ", names, " field_names, but num_blobs is ", arguments_.num_blobs)));
    }
  }

  absl::Status RunOnDevice() override {
    OutputBlob(0)->template GetMutable<BlobsQueue>()->Replace(
        RecordQueue::Create(arguments_.capacity, arguments_.num_blobs));
    return absl::OkStatus();
  }

 private:
  QueueArguments arguments_;
};

// Input i + 1 must be output i, as far as there are such inputs.
void CheckInplace(const OperatorDef& def, OperatorInit* init) {
  for (int i = 0; i + 1 < def.input_size(); ++i) {
    if (i < def.output_size() && def.input(i + 1) == def.output(i)) continue;
    init->Fail(absl::InvalidArgumentError(absl::StrCat("output ", i, " must be the blob of input ",
                                                       i + 1, ", \"", def.input(i + 1), "\"")));
  }
}

DOPPIO_OPERATOR_SCHEMA(EnqueueBlobs)
    .NumInputs(2, OpSchema::kMany)
    .NumOutputs(1, OpSchema::kMany)
    .AllowAnyInplace()
    .AllowAnyInput(OpSchema::kMany)
    .Doc(R"DOC(
Puts a record of blobs into a queue, and waits for room where the queue is full. Fails where it is
closed and full. Tensors keep their values, which in Caffe2 are lost; blobs of other types are empty
afterwards.

Example: with a queue of `num_blobs` 2, EnqueueBlobs(queue, x, y) -> x, y puts a copy of x and y into it.
)DOC")
    .Input(0, "queue", "a queue, made by CreateBlobsQueue")
    .Input(1, "blob_0", "first blob of the record; the others follow")
    .Output(0, "blob_0", "the same blob as the input; the others follow")
    .HasSideEffects();

template <class Context>
class EnqueueBlobsOp final : public BlobsQueueOperator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit EnqueueBlobsOp(OperatorInit* init) : BlobsQueueOperator<Context>(init) {
    CheckInplace(this->def(), init);
    if (InputSize() != OutputSize() + 1) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("every blob is an output too, but there are ", InputSize() - 1,
                       " blobs and ", OutputSize(), " outputs")));
    }
  }

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const std::shared_ptr<RecordQueue> queue,
                            QueueInput<BlobsQueue>(*this, 0));
    DOPPIO_RETURN_IF_ERROR(CheckFieldCount(*queue, OutputSize(), "blobs"));
    DOPPIO_ASSIGN_OR_RETURN(const bool is_in, this->Enqueue(queue.get(), OutputSize()));
    if (is_in) return absl::OkStatus();
    return absl::FailedPreconditionError(
        absl::StrCat("queue ", DescribeInput(0), " is closed and full"));
  }
};

DOPPIO_OPERATOR_SCHEMA(DequeueBlobs)
    .NumInputs(1)
    .NumOutputs(1, OpSchema::kMany)
    .AllowAnyInput(0)
    .Doc(R"DOC(
Takes a record out of a queue, and waits for one where the queue is empty. Fails where it is closed and
empty, or when the time is over.
)DOC")
    .Arg<float>("timeout_secs", "longest time to wait, in seconds; 0: as long as it takes", 0.0F)
    .Input(0, "queue", "a queue, made by CreateBlobsQueue")
    .Output(0, "blob_0", "first blob of the record; the others follow")
    .HasSideEffects();

template <class Context>
class DequeueBlobsOp final : public BlobsQueueOperator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit DequeueBlobsOp(OperatorInit* init)
      : BlobsQueueOperator<Context>(init),
        timeout_secs_(init->GetSingleArgument<float>("timeout_secs")) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const std::shared_ptr<RecordQueue> queue,
                            QueueInput<BlobsQueue>(*this, 0));
    DOPPIO_RETURN_IF_ERROR(CheckFieldCount(*queue, OutputSize(), "outputs"));
    QueueRecord record;
    DOPPIO_ASSIGN_OR_RETURN(const bool is_out, queue->Pop(&record, DeadlineAfter(timeout_secs_)));
    if (!is_out) {
      return absl::OutOfRangeError(
          absl::StrCat("queue ", DescribeInput(0), " is closed and empty"));
    }
    return this->SetOutputs(std::move(record));
  }

 private:
  float timeout_secs_;
};

DOPPIO_OPERATOR_SCHEMA(CloseBlobsQueue)
    .NumInputs(1)
    .NumOutputs(0)
    .AllowAnyInput(0)
    .Doc(R"DOC(
Closes a queue: nobody waits for it any more. What is in it can still be taken out, and room that is left
can still be filled.
)DOC")
    .Input(0, "queue", "a queue, made by CreateBlobsQueue")
    .HasSideEffects();

template <class Context>
class CloseBlobsQueueOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit CloseBlobsQueueOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const std::shared_ptr<RecordQueue> queue,
                            QueueInput<BlobsQueue>(*this, 0));
    queue->Close();
    return absl::OkStatus();
  }
};

// An operator whose last output says whether the queue has come to its end; before it are the blobs
// of a record.
template <class Context>
class SafeQueueOperator : public BlobsQueueOperator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SafeQueueOperator(OperatorInit* init) : BlobsQueueOperator<Context>(init) {
    if (OutputSize() < 2) {
      init->Fail(
          absl::InvalidArgumentError("the last output is the status, after one blob or more"));
    }
  }

 protected:
  int BlobCount() const { return OutputSize() - 1; }

  absl::Status SetStatus(bool is_at_end) {
    DOPPIO_ASSIGN_OR_RETURN(Tensor * status, Output(BlobCount(), DataType::kBool, {}));
    *status->template mutable_data<bool>() = is_at_end;
    return absl::OkStatus();
  }
};

DOPPIO_OPERATOR_SCHEMA(SafeEnqueueBlobs)
    .NumInputs(2, OpSchema::kMany)
    .NumOutputs(2, OpSchema::kMany)
    .AllowAnyInplace()
    .AllowAnyInput(OpSchema::kMany)
    .Doc(R"DOC(
Puts a record into a queue as EnqueueBlobs does, but where the queue is closed and full it says so in its
last output and does not fail. A step of a plan can end with that (should_stop_blob).
)DOC")
    .Input(0, "queue", "a queue, made by CreateBlobsQueue")
    .Input(1, "blob_0", "first blob of the record; the others follow")
    .Output(0, "blob_0", "the same blob as the input; the others follow")
    .Output(1, "status", "(the last output) a single bool: the queue was closed and full")
    .HasSideEffects();

template <class Context>
class SafeEnqueueBlobsOp final : public SafeQueueOperator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SafeEnqueueBlobsOp(OperatorInit* init) : SafeQueueOperator<Context>(init) {
    CheckInplace(this->def(), init);
    if (InputSize() != OutputSize()) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("every blob is an output too, and the status, but there are ",
                       InputSize() - 1, " blobs and ", OutputSize(), " outputs")));
    }
  }

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const std::shared_ptr<RecordQueue> queue,
                            QueueInput<BlobsQueue>(*this, 0));
    DOPPIO_RETURN_IF_ERROR(CheckFieldCount(*queue, this->BlobCount(), "blobs"));
    DOPPIO_ASSIGN_OR_RETURN(const bool is_in, this->Enqueue(queue.get(), this->BlobCount()));
    return this->SetStatus(!is_in);
  }
};

DOPPIO_OPERATOR_SCHEMA(SafeDequeueBlobs)
    .NumInputs(1)
    .NumOutputs(2, OpSchema::kMany)
    .AllowAnyInput(0)
    .Doc(R"DOC(
Takes a record out of a queue as DequeueBlobs does, but where the queue is closed and empty it says so in
its last output, leaves the other outputs as they are, and does not fail. A step of a plan can end with
that (should_stop_blob).

With `num_records` above 1 it takes as many, fewer where the queue ends before, and joins them along
their first dimension.

Example: records [1,2] and [3], and `num_records` 2, give [1,2,3].
)DOC")
    .Arg<int64_t>("num_records", "records to take and join, at least 1", 1)
    .Input(0, "queue", "a queue, made by CreateBlobsQueue")
    .Output(0, "blob_0", "first blob of the record; the others follow")
    .Output(1, "status", "(the last output) a single bool: the queue was closed and empty")
    .HasSideEffects();

template <class Context>
class SafeDequeueBlobsOp final : public SafeQueueOperator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SafeDequeueBlobsOp(OperatorInit* init)
      : SafeQueueOperator<Context>(init),
        num_records_(init->GetSingleArgument<int64_t>("num_records")) {
    if (num_records_ < 1) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("num_records is ", num_records_, ", must be at least 1")));
    }
  }

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const std::shared_ptr<RecordQueue> queue,
                            QueueInput<BlobsQueue>(*this, 0));
    DOPPIO_RETURN_IF_ERROR(CheckFieldCount(*queue, this->BlobCount(), "blobs before the status"));
    DOPPIO_ASSIGN_OR_RETURN(std::vector<QueueRecord> records, queue->PopMany(num_records_));
    if (records.size() == 1) {
      DOPPIO_RETURN_IF_ERROR(this->SetOutputs(std::move(records[0])));
    } else if (!records.empty()) {
      for (int i = 0; i < this->BlobCount(); ++i) DOPPIO_RETURN_IF_ERROR(Join(i, records));
    }
    return this->SetStatus(records.empty());
  }

 private:
  absl::Status Join(int i, const std::vector<QueueRecord>& records) {
    const Tensor& first = records[0][i].tensor;
    int64_t rows = 0;
    for (const QueueRecord& record : records) {
      if (record[i].other != nullptr) {
        return absl::InvalidArgumentError(absl::StrCat("blob ", i, " of a record is a ",
                                                       record[i].other->TypeName(),
                                                       ", and only tensors can be joined"));
      }
      const Tensor& part = record[i].tensor;
      if (part.rank() == 0 || part.rank() != first.rank() || part.dtype() != first.dtype() ||
          DimsView(part.dims()).subspan(1) != DimsView(first.dims()).subspan(1)) {
        return absl::InvalidArgumentError(absl::StrCat(
            "blob ", i, " of a record is ", part.TypeAndShape(), ", which can not be joined with ",
            first.TypeAndShape(), " along the first dimension"));
      }
      if (__builtin_add_overflow(rows, part.dim(0), &rows)) {
        return absl::OutOfRangeError(absl::StrCat("blob ", i, " has more rows than int64 holds"));
      }
    }
    Dims dims(first.dims().begin(), first.dims().end());
    dims[0] = rows;
    DOPPIO_ASSIGN_OR_RETURN(Tensor * out, Output(i, first.dtype(), dims));
    int64_t to = 0;
    for (const QueueRecord& record : records) {
      const Tensor& part = record[i].tensor;
      ElementCopy(part, out)(0, to, part.numel());
      to += part.numel();
    }
    return absl::OkStatus();
  }

  int64_t num_records_;
};

DOPPIO_OPERATOR_SCHEMA(WeightedSampleDequeueBlobs)
    .NumInputs(1, OpSchema::kMany)
    .NumOutputs(2, OpSchema::kMany)
    .AllowAnyInput(OpSchema::kMany)
    .Doc(R"DOC(
Takes a record as SafeDequeueBlobs does, out of a queue that is chosen at random: a queue with twice the
weight is chosen twice as often, one with the weight 0 never.

With `table_idx_blob` the number of the queue that was chosen replaces that blob of the record.
)DOC")
    .OptionalArg<std::vector<float>>("weights", "one for each queue; all 1 by default")
    .Arg<int64_t>("table_idx_blob", "output that tells the queue; -1: none", -1)
    .Input(0, "queue_0", "a queue, made by CreateBlobsQueue; the others follow")
    .Output(0, "blob_0", "first blob of the record; the others follow")
    .Output(1, "status", "(the last output) a single bool: the queue was closed and empty")
    .HasSideEffects();

template <class Context>
class WeightedSampleDequeueBlobsOp final : public SafeQueueOperator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit WeightedSampleDequeueBlobsOp(OperatorInit* init)
      : SafeQueueOperator<Context>(init),
        table_idx_blob_(init->GetSingleArgument<int64_t>("table_idx_blob")) {
    if (table_idx_blob_ < -1 || table_idx_blob_ >= this->BlobCount()) {
      init->Fail(absl::InvalidArgumentError(absl::StrCat("table_idx_blob is ", table_idx_blob_,
                                                         ", but there are ", this->BlobCount(),
                                                         " blobs before the status")));
    }
    std::vector<float> weights = init->GetRepeatedArgument<float>("weights");
    if (weights.empty()) weights.assign(InputSize(), 1.0F);
    if (static_cast<int>(weights.size()) != InputSize()) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("there are ", weights.size(), " weights, but ", InputSize(), " queues")));
      return;
    }
    double sum = 0;
    for (float weight : weights) {
      if (!(weight >= 0) || std::isinf(weight)) {
        init->Fail(absl::InvalidArgumentError(
            absl::StrCat("a weight is ", weight, ", but must be finite and not negative")));
      }
      sum += weight;
      sums_.push_back(sum);
    }
    if (!(sum > 0)) init->Fail(absl::InvalidArgumentError("the weights sum to 0"));
  }

  absl::Status RunOnDevice() override {
    const int chosen = Choose();
    DOPPIO_ASSIGN_OR_RETURN(const std::shared_ptr<RecordQueue> queue,
                            QueueInput<BlobsQueue>(*this, chosen));
    DOPPIO_RETURN_IF_ERROR(CheckFieldCount(*queue, this->BlobCount(), "blobs before the status"));
    QueueRecord record;
    DOPPIO_ASSIGN_OR_RETURN(const bool is_out, queue->Pop(&record));
    if (is_out) DOPPIO_RETURN_IF_ERROR(this->SetOutputs(std::move(record)));
    if (table_idx_blob_ >= 0) {
      DOPPIO_ASSIGN_OR_RETURN(Tensor * table,
                              Output(static_cast<int>(table_idx_blob_), DataType::kInt32, {1}));
      *table->template mutable_data<int32_t>() = chosen;
    }
    return this->SetStatus(!is_out);
  }

 private:
  // The first queue whose sum is above a random number in [0, sum of all): none of weight 0.
  int Choose() {
    const double number =
        std::uniform_real_distribution<double>(0, sums_.back())(context_.RandomGenerator());
    auto found = std::upper_bound(sums_.begin(), sums_.end(), number);
    // By rounding the number may be the sum itself.
    if (found == sums_.end()) found = std::lower_bound(sums_.begin(), sums_.end(), sums_.back());
    return static_cast<int>(found - sums_.begin());
  }

  int64_t table_idx_blob_;
  std::vector<double> sums_;
};

DOPPIO_REGISTER_CPU_OPERATOR(CreateBlobsQueue, CreateBlobsQueueOp<CPUContext>);
DOPPIO_NO_GRADIENT(CreateBlobsQueue);
DOPPIO_REGISTER_CPU_OPERATOR(EnqueueBlobs, EnqueueBlobsOp<CPUContext>);
DOPPIO_NO_GRADIENT(EnqueueBlobs);
DOPPIO_REGISTER_CPU_OPERATOR(DequeueBlobs, DequeueBlobsOp<CPUContext>);
DOPPIO_NO_GRADIENT(DequeueBlobs);
DOPPIO_REGISTER_CPU_OPERATOR(CloseBlobsQueue, CloseBlobsQueueOp<CPUContext>);
DOPPIO_NO_GRADIENT(CloseBlobsQueue);
DOPPIO_REGISTER_CPU_OPERATOR(SafeEnqueueBlobs, SafeEnqueueBlobsOp<CPUContext>);
DOPPIO_NO_GRADIENT(SafeEnqueueBlobs);
DOPPIO_REGISTER_CPU_OPERATOR(SafeDequeueBlobs, SafeDequeueBlobsOp<CPUContext>);
DOPPIO_NO_GRADIENT(SafeDequeueBlobs);
DOPPIO_REGISTER_CPU_OPERATOR(WeightedSampleDequeueBlobs, WeightedSampleDequeueBlobsOp<CPUContext>);
DOPPIO_NO_GRADIENT(WeightedSampleDequeueBlobs);

}  // namespace
}  // namespace doppio
