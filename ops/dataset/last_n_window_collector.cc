#include <algorithm>
#include <limits>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/dataset/append_rows.h"
#include "src/operator/mutex.h"
#include "src/operator/shared_state.h"

namespace doppio {
namespace {

enum Inputs { kLastNIn, kNextIn, kData, kMutex, kNumVisitedIn };
enum Outputs { kLastN, kNext, kNumVisited };

// What is collected may be another thread's while that has the lock: it is looked at in the run.
DOPPIO_OPERATOR_SCHEMA(LastNWindowCollector)
    .NumInputs(3, 5)
    .NumOutputs(2, 3)
    .EnforceInplace({{kLastNIn, kLastN}, {kNextIn, kNext}, {kNumVisitedIn, kNumVisited}})
    .AllowAnyInput(kLastNIn)
    .AllowAnyInput(kNextIn)
    .AllowAnyInput(kMutex)
    .AllowAnyInput(kNumVisitedIn)
    .Doc(R"DOC(
Keeps the last num_to_collect rows of all that it is given from run to run: at first the rows are put
one after another; later each takes the place of the oldest one, so that `next` goes round. A batch of
more rows than that replaces all, and its last ones stand in order. A buffer without elements starts
anew.

Several threads need a mutex, which is held while the buffer is looked at and changed.

Example: num_to_collect = 3 and the batches [1,2] and [3,4] give [4,2,3] and 1.
)DOC")
    .RequiredArg<int>("num_to_collect", "how many rows are kept, at least 1")
    .Input(kLastNIn, "last_n", "the rows so far; an empty tensor, or nothing, at first")
    .Input(kNextIn, "next", "scalar of int32: the row that is replaced next; 0 at first")
    .Input(kData, "DATA", "tensor of any type, at least a vector: a batch of rows")
    .Input(kMutex, "MUTEX", "a lock, made by CreateMutex; may be left out")
    .Input(kNumVisitedIn, "NUM_VISITED", "one int64: how many rows came so far; may be left out")
    .Output(kLastN, "last_n", "the last rows, num_to_collect at most")
    .Output(kNext, "next", "scalar of int32")
    .Output(kNumVisited, "NUM_VISITED", "the input, larger by the rows of DATA")
    .HasSideEffects();

template <class Context>
class LastNWindowCollectorOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit LastNWindowCollectorOp(OperatorInit* init)
      : Operator<Context>(init), wanted_(init->GetSingleArgument<int>("num_to_collect")) {
    if (wanted_ < 1) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("num_to_collect must be at least 1, but is ", wanted_)));
    }
    if (OutputSize() > kNumVisited && InputSize() <= kNumVisitedIn) {
      init->Fail(absl::InvalidArgumentError("output 2 must be input 4, which is missing"));
    }
    if (IsInplace(kData, kLastN)) {
      init->Fail(absl::InvalidArgumentError("DATA must be another blob than last_n"));
    }
  }

  absl::Status RunOnDevice() override {
    if (InputSize() <= kMutex) return Collect();
    DOPPIO_ASSIGN_OR_RETURN(Mutex * lock, SharedState<Mutex>(*this, kMutex, kMutexFromCreateMutex));
    const std::lock_guard<std::mutex> held(lock->mutex);
    return Collect();
  }

 private:
  absl::Status Collect() {
    const Tensor& data = Input(kData);
    const Tensor* kept = InputBlob(kLastNIn).template Get<Tensor>();
    if (kept == nullptr && !InputBlob(kLastNIn).IsEmpty()) return Wrong(kLastNIn, "a tensor");
    if (data.rank() == 0) return Wrong(kData, "at least a vector");
    const bool is_new = kept == nullptr || kept->numel() == 0;
    const int64_t rows = is_new ? 0 : kept->dim(0);
    if (!is_new) DOPPIO_RETURN_IF_ERROR(CheckSameRows(*kept, "last_n", data, "DATA"));
    DOPPIO_ASSIGN_OR_RETURN(const int64_t next, Next(is_new, rows));
    DOPPIO_ASSIGN_OR_RETURN(const int64_t visited, NumVisited(is_new));

    DOPPIO_RETURN_IF_ERROR(
        Write(data, std::min(wanted_, rows + std::min(wanted_, data.dim(0))), next));
    if (OutputSize() <= kNumVisited) return absl::OkStatus();
    Tensor* output = OutputBlob(kNumVisited)->template GetMutable<Tensor>();
    DOPPIO_RETURN_IF_ERROR(output->MakeUnique());
    *output->template mutable_data<int64_t>() = visited + data.dim(0);
    return absl::OkStatus();
  }

  // Makes last_n `rows` rows, with those of `data` from `next` on.
  absl::Status Write(const Tensor& data, int64_t rows, int64_t next) {
    Tensor* kept = OutputBlob(kLastN)->template GetMutable<Tensor>();
    Dims dims(data.dims().begin(), data.dims().end());
    dims[0] = rows;
    if (kept->dtype() == data.dtype() && kept->dims() == DimsView(dims)) {
      DOPPIO_RETURN_IF_ERROR(kept->MakeUnique());
    } else {
      DOPPIO_ASSIGN_OR_RETURN(Tensor more, Tensor::Create(data.dtype(), dims));
      if (kept->numel() > 0) ElementCopy(*kept, &more)(0, 0, kept->numel());
      *kept = std::move(more);
    }
    const int64_t block = SizeFromDim(data.dims(), 1);
    const int64_t count = std::min(wanted_, data.dim(0));
    const int64_t skipped = data.dim(0) - count;
    if (skipped > 0) next = 0;
    const int64_t before_the_end = std::min(count, wanted_ - next);
    const ElementCopy copy(data, kept);
    copy(skipped * block, next * block, before_the_end * block);
    copy((skipped + before_the_end) * block, 0, (count - before_the_end) * block);
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(kNext, DataType::kInt32, {}));
    *output->template mutable_data<int32_t>() = static_cast<int32_t>((next + count) % wanted_);
    return absl::OkStatus();
  }

  // Where the next row goes: behind the last one while there is room, else anywhere.
  absl::StatusOr<int64_t> Next(bool is_new, int64_t rows) const {
    const Tensor* tensor = InputBlob(kNextIn).template Get<Tensor>();
    if (tensor == nullptr || !tensor->Is<int32_t>() || tensor->rank() != 0) {
      return Wrong(kNextIn, "a scalar of int32");
    }
    if (is_new) return 0;
    const int64_t next = *tensor->data<int32_t>();
    if (rows == wanted_ ? next >= 0 && next < rows : rows < wanted_ && next == rows) return next;
    return absl::InvalidArgumentError(absl::StrCat("next is ", next, ", which can not be with ",
                                                   rows, " rows in last_n and ", "num_to_collect ",
                                                   wanted_));
  }

  absl::StatusOr<int64_t> NumVisited(bool is_new) const {
    if (OutputSize() <= kNumVisited) return 0;
    const Tensor* tensor = InputBlob(kNumVisitedIn).template Get<Tensor>();
    if (tensor == nullptr || !tensor->Is<int64_t>() || tensor->numel() != 1) {
      return Wrong(kNumVisitedIn, "one int64");
    }
    if (is_new) return 0;
    const int64_t visited = *tensor->data<int64_t>();
    if (visited < 0 || visited > std::numeric_limits<int64_t>::max() - Input(kData).dim(0)) {
      return absl::OutOfRangeError(
          absl::StrCat("NUM_VISITED is ", visited, ", must be at least 0 and leave room for more"));
    }
    return visited;
  }

  absl::Status Wrong(int i, absl::string_view wanted) const {
    return absl::InvalidArgumentError(absl::StrCat(this->schema().inputs()[i].name, " must be ",
                                                   wanted, ", but is ", DescribeInput(i)));
  }

  const int64_t wanted_;
};

DOPPIO_REGISTER_CPU_OPERATOR(LastNWindowCollector, LastNWindowCollectorOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(LastNWindowCollector);

}  // namespace
}  // namespace doppio
