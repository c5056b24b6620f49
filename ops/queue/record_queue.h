#ifndef DOPPIO_OPS_QUEUE_RECORD_QUEUE_H_
#define DOPPIO_OPS_QUEUE_RECORD_QUEUE_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "doppio/operator.h"
#include "src/base/home_process.h"

namespace doppio {

// A tensor, or what a blob of another type held.
struct QueueValue {
  Tensor tensor;
  std::unique_ptr<Blob> other;  // null: the value is the tensor
};

// One value for each field.
using QueueRecord = std::vector<QueueValue>;

// Records on their way from threads that write to threads that read, first in, first out; at most
// `capacity` of them. Who waits gives up when its run is to end (doppio/cancellation.h).
// In a process that was forked since the queue was made, everything is FailedPrecondition.
class RecordQueue {
 public:
  using Deadline = std::optional<std::chrono::steady_clock::time_point>;

  static std::shared_ptr<RecordQueue> Create(int64_t capacity, int64_t field_count);

  int64_t field_count() const { return field_count_; }

  // Waits for room. False where the queue is closed: at once, or (`fills_closed`) when there is no
  // room in it. *record is empty after that where it went in, and as it was otherwise.
  absl::StatusOr<bool> Push(QueueRecord* record, bool fills_closed);

  // Waits for a record; DeadlineExceeded after the deadline. False where the queue is closed and
  // nothing is left in it.
  absl::StatusOr<bool> Pop(QueueRecord* record, Deadline deadline = std::nullopt);

  // Waits for `count` records; fewer, or none, where the queue is closed and no more are left in
  // it. After an error those that it had go back to the front.
  absl::StatusOr<std::vector<QueueRecord>> PopMany(int64_t count);

  // Wakes all who wait. What is in the queue can still be read.
  void Close();

 private:
  RecordQueue(int64_t capacity, int64_t field_count)
      : capacity_(capacity), field_count_(field_count) {}

  absl::Status CheckIsHere() const;
  template <typename Condition>
  absl::Status Wait(std::unique_lock<std::mutex>* lock, std::condition_variable* changed,
                    Deadline deadline, Condition condition);

  const int64_t capacity_;
  const int64_t field_count_;
  const HomeProcess home_;
  std::mutex mutex_;
  std::condition_variable has_room_;
  std::condition_variable has_record_;
  std::deque<QueueRecord> records_;
  bool is_closed_ = false;
};

// None for 0, and for times that the clock can not count.
RecordQueue::Deadline DeadlineAfter(float seconds);

// What a blob with a queue holds. Who uses the queue takes a share of it; a queue that nobody can
// reach by its blob any more is closed, so that nobody waits for it.
struct QueueHandle {
  QueueHandle() = default;
  QueueHandle(const QueueHandle&) = delete;
  QueueHandle& operator=(const QueueHandle&) = delete;
  ~QueueHandle() { Replace(nullptr); }

  void Replace(std::shared_ptr<RecordQueue> other) {
    queue.swap(other);
    if (other != nullptr) other->Close();
  }

  std::shared_ptr<RecordQueue> queue;
};
// Of CreateBlobsQueue and of CreateRebatchingQueue.
struct BlobsQueue : QueueHandle {};
struct RebatchingQueue : QueueHandle {};

// The queue that input i of an operator is. Handle: BlobsQueue or RebatchingQueue.
template <typename Handle>
absl::StatusOr<std::shared_ptr<RecordQueue>> QueueInput(const OperatorBase& op, int i) {
  const Handle* handle = op.InputBlob(i).Get<Handle>();
  if (handle != nullptr && handle->queue != nullptr) return handle->queue;
  return absl::InvalidArgumentError(
      absl::StrCat("queue ", op.DescribeInput(i), " must be a queue that Create",
                   std::is_same_v<Handle, BlobsQueue> ? "BlobsQueue" : "RebatchingQueue",
                   " made, but holds ", op.InputBlob(i).TypeName()));
}

// The queue that the arguments `capacity` and `num_blobs` describe; what is wrong with them goes to
// init->Fail.
struct QueueArguments {
  explicit QueueArguments(OperatorInit* init);
  int64_t capacity;
  int64_t num_blobs;
};

// InvalidArgument unless the queue's records have that many fields, which `what` tells of.
absl::Status CheckFieldCount(const RecordQueue& queue, int64_t count, absl::string_view what);

// A record of tensors; they share their storage with `tensors`.
QueueRecord RecordOfTensors(std::vector<Tensor> tensors);

}  // namespace doppio

#endif  // DOPPIO_OPS_QUEUE_RECORD_QUEUE_H_
