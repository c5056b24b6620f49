#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "doppio/database.h"
#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/queue/record_queue.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(CreateBlobsQueueDB)
    .NumInputs(1)
    .NumOutputs(1)
    .AllowAnyInput(0)
    .Doc(R"DOC(
Makes a reader, as CreateDB does, of what others put into a queue: input operators (ImageInput,
TensorProtosDBInput) take each record from there. Keys and values are the blobs of a record with these
numbers, strings or tensors of which the first element is a string.

Who reads waits where the queue is empty, and fails where it is closed and empty or the time is over; in
Caffe2 the last record then comes again. A reader that the blob held before is replaced.

Example: after EnqueueBlobs(queue, value) with the string tensor ["abc"], the reader gives the key ""
and the value "abc".
)DOC")
    .Arg<int64_t>("key_blob_index", "which blob of a record is the key; -1: keys are empty", -1)
    .Arg<int64_t>("value_blob_index", "which blob of a record is the value", 0)
    .Arg<float>("timeout_secs", "longest time to wait, in seconds; 0: as long as it takes", 0.0F)
    .Input(0, "queue", "a queue, made by CreateBlobsQueue")
    .Output(0, "reader", "a reader, which is no tensor")
    .HasSideEffects();

absl::StatusOr<std::string> TextOf(const QueueRecord& record, int64_t index,
                                   absl::string_view what) {
  const QueueValue& value = record[static_cast<size_t>(index)];
  if (value.other == nullptr) {
    const Tensor& tensor = value.tensor;
    if (tensor.Is<std::string>() && tensor.numel() > 0) return tensor.data<std::string>()[0];
  } else if (const std::string* text = value.other->Get<std::string>()) {
    return *text;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("the ", what, " (blob ", index,
                   " of a record) must be a string, or a tensor of strings, but ", "is ",
                   value.other == nullptr ? value.tensor.TypeAndShape() : value.other->TypeName()));
}

class QueueSource final : public RecordSource {
 public:
  QueueSource(std::shared_ptr<RecordQueue> queue, std::string name, int64_t key, int64_t value,
              float timeout_secs)
      : queue_(std::move(queue)),
        name_(std::move(name)),
        key_(key),
        value_(value),
        timeout_secs_(timeout_secs) {}

  absl::Status Read(std::string* key, std::string* value) override {
    QueueRecord record;
    absl::StatusOr<bool> is_out = queue_->Pop(&record, DeadlineAfter(timeout_secs_));
    if (!is_out.ok()) return Annotate(is_out.status(), Description());
    if (!*is_out) {
      return absl::OutOfRangeError(absl::StrCat(Description(), " is closed and empty"));
    }
    key->clear();
    if (key_ >= 0) {
      DOPPIO_ASSIGN_OR_RETURN(*key, TextOf(record, key_, "key"));
    }
    DOPPIO_ASSIGN_OR_RETURN(*value, TextOf(record, value_, "value"));
    return absl::OkStatus();
  }

  std::string Description() const override { return absl::StrCat("queue \"", name_, "\""); }

 private:
  const std::shared_ptr<RecordQueue> queue_;
  const std::string name_;
  const int64_t key_;
  const int64_t value_;
  const float timeout_secs_;
};

template <class Context>
class CreateBlobsQueueDBOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit CreateBlobsQueueDBOp(OperatorInit* init)
      : Operator<Context>(init),
        key_(init->GetSingleArgument<int64_t>("key_blob_index")),
        value_(init->GetSingleArgument<int64_t>("value_blob_index")),
        timeout_secs_(init->GetSingleArgument<float>("timeout_secs")) {
    if (key_ >= -1 && value_ >= 0) return;
    init->Fail(absl::InvalidArgumentError(
        absl::StrCat("key_blob_index is ", key_, ", must be at least -1, and value_blob_index ",
                     value_, ", must be at least 0")));
  }

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(std::shared_ptr<RecordQueue> queue, QueueInput<BlobsQueue>(*this, 0));
    if (std::max(key_, value_) >= queue->field_count()) {
      return absl::InvalidArgumentError(
          absl::StrCat("key_blob_index is ", key_, " and value_blob_index ", value_,
                       ", but records of the queue have ", queue->field_count(), " blobs"));
    }
    OutputBlob(0)->template GetMutable<DatabaseReader>()->Open(std::make_shared<QueueSource>(
        std::move(queue), this->def().input(0), key_, value_, timeout_secs_));
    return absl::OkStatus();
  }

 private:
  int64_t key_;
  int64_t value_;
  float timeout_secs_;
};

DOPPIO_REGISTER_CPU_OPERATOR(CreateBlobsQueueDB, CreateBlobsQueueDBOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(CreateBlobsQueueDB);

}  // namespace
}  // namespace doppio
