#include "ops/queue/record_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "src/base/run_scope.h"

namespace doppio {

// Until the condition holds. The lock is not held while the host is asked: it may have locks of its
// own, which another thread holds that waits for ours.
template <typename Condition>
absl::Status RecordQueue::Wait(std::unique_lock<std::mutex>* lock, std::condition_variable* changed,
                               Deadline deadline, Condition condition) {
  while (!condition()) {
    const auto now = std::chrono::steady_clock::now();
    if (deadline.has_value() && now >= *deadline) {
      return absl::DeadlineExceededError("the time to wait for the queue is over");
    }
    auto until = now + internal::kPollPeriod;
    if (deadline.has_value()) until = std::min(until, *deadline);
    if (changed->wait_until(*lock, until, condition)) return absl::OkStatus();
    lock->unlock();
    const bool is_interrupted = internal::IsInterrupted();
    lock->lock();
    if (is_interrupted) return Annotate(internal::InterruptedStatus(), "waiting for the queue");
  }
  return absl::OkStatus();
}

std::shared_ptr<RecordQueue> RecordQueue::Create(int64_t capacity, int64_t field_count) {
  return HomePtr<RecordQueue>(new RecordQueue(capacity, field_count));
}

absl::Status RecordQueue::CheckIsHere() const {
  if (home_.IsHere()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "the queue is one of the process that this one was forked from; create it anew here");
}

absl::StatusOr<bool> RecordQueue::Push(QueueRecord* record, bool fills_closed) {
  DOPPIO_RETURN_IF_ERROR(CheckIsHere());
  std::unique_lock<std::mutex> lock(mutex_);
  const auto has_room = [this] { return static_cast<int64_t>(records_.size()) < capacity_; };
  DOPPIO_RETURN_IF_ERROR(
      Wait(&lock, &has_room_, std::nullopt, [&] { return is_closed_ || has_room(); }));
  if (!has_room() || (is_closed_ && !fills_closed)) return false;
  records_.push_back(std::exchange(*record, {}));
  lock.unlock();
  has_record_.notify_one();
  return true;
}

absl::StatusOr<bool> RecordQueue::Pop(QueueRecord* record, Deadline deadline) {
  DOPPIO_RETURN_IF_ERROR(CheckIsHere());
  std::unique_lock<std::mutex> lock(mutex_);
  DOPPIO_RETURN_IF_ERROR(
      Wait(&lock, &has_record_, deadline, [this] { return is_closed_ || !records_.empty(); }));
  if (records_.empty()) return false;
  *record = std::move(records_.front());
  records_.pop_front();
  lock.unlock();
  has_room_.notify_one();
  return true;
}

absl::StatusOr<std::vector<QueueRecord>> RecordQueue::PopMany(int64_t count) {
  DOPPIO_RETURN_IF_ERROR(CheckIsHere());
  std::vector<QueueRecord> records;
  while (static_cast<int64_t>(records.size()) < count) {
    QueueRecord record;
    const absl::StatusOr<bool> popped = Pop(&record);
    if (!popped.ok()) {
      {
        const std::lock_guard<std::mutex> held(mutex_);
        records_.insert(records_.begin(), std::make_move_iterator(records.begin()),
                        std::make_move_iterator(records.end()));
      }
      has_record_.notify_all();
      return popped.status();
    }
    if (!*popped) break;
    records.push_back(std::move(record));
  }
  return records;
}

void RecordQueue::Close() {
  if (!home_.IsHere()) return;
  {
    const std::lock_guard<std::mutex> held(mutex_);
    is_closed_ = true;
  }
  has_room_.notify_all();
  has_record_.notify_all();
}

RecordQueue::Deadline DeadlineAfter(float seconds) {
  constexpr float kLongest = 1e9F;
  if (!(seconds > 0) || seconds > kLongest) return std::nullopt;
  return std::chrono::steady_clock::now() +
         std::chrono::duration_cast<std::chrono::steady_clock::duration>(
             std::chrono::duration<double>(seconds));
}

QueueArguments::QueueArguments(OperatorInit* init)
    : capacity(init->GetSingleArgument<int64_t>("capacity")),
      num_blobs(init->GetSingleArgument<int64_t>("num_blobs")) {
  if (capacity >= 1 && num_blobs >= 1) return;
  init->Fail(absl::InvalidArgumentError(absl::StrCat("capacity is ", capacity, " and num_blobs ",
                                                     num_blobs, ", both must be at least 1")));
}

absl::Status CheckFieldCount(const RecordQueue& queue, int64_t count, absl::string_view what) {
  if (queue.field_count() == count) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("records of the queue have ", queue.field_count(),
                                                 " blobs, but there are ", count, " ", what));
}

QueueRecord RecordOfTensors(std::vector<Tensor> tensors) {
  QueueRecord record;
  for (Tensor& tensor : tensors) record.push_back({std::move(tensor), nullptr});
  return record;
}

}  // namespace doppio
