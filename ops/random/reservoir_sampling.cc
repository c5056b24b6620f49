#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "doppio/gradient_maker.h"
#include "doppio/random_engine.h"
#include "doppio/registry.h"
#include "src/operator/element_copy.h"
#include "src/operator/mutex.h"
#include "src/operator/number_map.h"
#include "src/operator/packed_records.h"
#include "src/operator/shared_state.h"

namespace doppio {
namespace {

enum Inputs {
  kReservoirIn,
  kNumVisitedIn,
  kData,
  kMutex,
  kObjectId,
  kObjectToPosIn,
  kPosToObjectIn
};
enum Outputs { kReservoir, kNumVisited, kObjectToPos, kPosToObject };

// What is collected may be another thread's while that has the lock: it is looked at in the run.
DOPPIO_OPERATOR_SCHEMA(ReservoirSampling)
    .NumInputs(4, 7)
    .NumOutputs(2, 4)
    .EnforceInplace({{kReservoirIn, kReservoir},
                     {kNumVisitedIn, kNumVisited},
                     {kObjectToPosIn, kObjectToPos},
                     {kPosToObjectIn, kPosToObject}})
    .AllowAnyInput(kReservoirIn)
    .AllowAnyInput(kNumVisitedIn)
    .AllowAnyInput(kData)
    .AllowAnyInput(kMutex)
    .AllowAnyInput(kObjectToPosIn)
    .AllowAnyInput(kPosToObjectIn)
    .Doc(R"DOC(
Keeps num_to_collect of all the rows that it is given from run to run, each with the same probability:
the first ones are put one after another; row n, counted from 1, takes the place of one of them with
probability num_to_collect / n. A reservoir without elements starts anew. Records that PackRecords packed are
rows too, and the reservoir then is packed records, for UnPackRecords.

With OBJECT_ID, and so seven inputs and four outputs, each object is kept once at most: a row whose object
is in the reservoir, or came in this batch before, does not count.

The lock is held all the while, so several threads may fill one reservoir. A random_seed in the device
option makes the choice repeatable.

Example: num_to_collect = 3 and the batches [1,2] and [3] give [1,2,3] and 3.
)DOC")
    .RequiredArg<int>("num_to_collect", "how many rows are kept, at least 1")
    .Input(kReservoirIn, "RESERVOIR", "the rows so far; an empty tensor, or nothing, at first")
    .Input(kNumVisitedIn, "NUM_VISITED", "one int64: how many rows came so far")
    .Input(kData, "DATA",
           "tensor of any type, at least a vector: a batch of rows; or packed records")
    .Input(kMutex, "MUTEX", "a lock, made by CreateMutex")
    .Input(kObjectId, "OBJECT_ID", "vector of int64: the object of each row of DATA")
    .Input(kObjectToPosIn, "OBJECT_TO_POS_MAP",
           "a map from int64 to int32, made by CreateMap: where each object is")
    .Input(kPosToObjectIn, "POS_TO_OBJECT",
           "vector of int64: the objects in the reservoir; empty at first")
    .Output(kReservoir, "RESERVOIR", "the rows that are kept, num_to_collect at most")
    .Output(kNumVisited, "NUM_VISITED", "the input, larger by the rows that count")
    .Output(kObjectToPos, "OBJECT_TO_POS_MAP", "where each object is now")
    .Output(kPosToObject, "POS_TO_OBJECT", "the objects in the reservoir now")
    .HasSideEffects();

template <class Context>
class ReservoirSamplingOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ReservoirSamplingOp(OperatorInit* init)
      : Operator<Context>(init),
        wanted_(init->GetSingleArgument<int>("num_to_collect")),
        has_objects_(InputSize() > kObjectId) {
    if (wanted_ < 1) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("num_to_collect must be at least 1, but is ", wanted_)));
    }
    if (has_objects_ ? InputSize() != 7 || OutputSize() != 4 : OutputSize() != 2) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("there must be 4 inputs and 2 outputs, or 7 and 4, but there are ",
                       InputSize(), " and ", OutputSize())));
    }
    if (IsInplace(kData, kReservoir)) {
      init->Fail(absl::InvalidArgumentError("DATA must be another blob than RESERVOIR"));
    }
  }

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(Mutex * lock, SharedState<Mutex>(*this, kMutex, kMutexFromCreateMutex));
    const std::lock_guard<std::mutex> held(lock->mutex);
    DOPPIO_ASSIGN_OR_RETURN(State state, Check());
    const std::vector<int64_t> entries = RowsThatCount(state);
    DOPPIO_RETURN_IF_ERROR(Grow(&state, static_cast<int64_t>(entries.size())));

    std::optional<ElementCopy> copy;
    int64_t block = 0;
    if (Packed() == nullptr) {
      copy.emplace(Input(kData), state.reservoir);
      block = SizeFromDim(Input(kData).dims(), 1);
    }
    for (int64_t entry : entries) {
      const int64_t place = Place(state.visited);
      if (place < wanted_) {
        if (copy.has_value()) {
          (*copy)(entry * block, place * block, block);
        } else {
          state.records[static_cast<size_t>(place)] = (*Packed())[static_cast<size_t>(entry)];
        }
        if (has_objects_) PutObject(state, Input(kObjectId).template data<int64_t>()[entry], place);
      }
      ++state.visited;
    }
    *state.num_visited->template mutable_data<int64_t>() = state.visited;
    if (Packed() != nullptr) {
      OutputBlob(kReservoir)->template GetMutable<PackedRecords>()->records =
          std::make_shared<const Records>(std::move(state.records));
    }
    return absl::OkStatus();
  }

 private:
  using ObjectToPos = NumberMap<int64_t, int32_t>;
  using Records = std::vector<std::vector<Tensor>>;

  // What the operator changes. The last two are null without objects.
  struct State {
    int64_t rows;       // in the reservoir
    int64_t visited;    // rows that came so far
    Records records;    // the reservoir of packed records,
    Tensor* reservoir;  // or that of a tensor's rows, else null
    Tensor* num_visited;
    ObjectToPos* object_to_pos;
    Tensor* pos_to_object;
  };

  static const Records* RecordsOf(const Blob& blob) {
    const PackedRecords* packed = blob.Get<PackedRecords>();
    return packed == nullptr ? nullptr : packed->records.get();
  }
  // What DATA is where it is no tensor.
  const Records* Packed() const { return RecordsOf(InputBlob(kData)); }
  int64_t RowsOfData() const {
    return Packed() == nullptr ? Input(kData).dim(0) : static_cast<int64_t>(Packed()->size());
  }

  // The rows in the reservoir; none where it starts anew.
  absl::StatusOr<int64_t> RowsOfReservoir() const {
    const Blob& blob = InputBlob(kReservoirIn);
    const Tensor* tensor = blob.Get<Tensor>();
    const Records* records = RecordsOf(blob);
    if (blob.IsEmpty() || (tensor != nullptr && tensor->numel() == 0) ||
        (records != nullptr && records->empty())) {
      return 0;
    }
    if (Packed() != nullptr) {
      if (records == nullptr) return Wrong(kReservoirIn, "packed records, as DATA is");
      return static_cast<int64_t>(records->size());
    }
    if (tensor == nullptr) return Wrong(kReservoirIn, "a tensor");
    return tensor->dim(0);
  }

  // What is there, once it is known that a run can not fail for it; emptied where it starts anew.
  absl::StatusOr<State> Check() {
    const Tensor* data = InputBlob(kData).template Get<Tensor>();
    const Tensor* num_visited = InputBlob(kNumVisitedIn).template Get<Tensor>();
    if (data == nullptr && Packed() == nullptr) {
      return Wrong(kData, "a tensor, or records that PackRecords packed");
    }
    DOPPIO_ASSIGN_OR_RETURN(const int64_t rows, RowsOfReservoir());
    if (data != nullptr && data->rank() == 0) return Wrong(kData, "at least a vector");
    if (num_visited == nullptr || !num_visited->Is<int64_t>() || num_visited->numel() != 1) {
      return Wrong(kNumVisitedIn, "one int64");
    }
    const bool is_new = rows == 0;
    const int64_t visited = is_new ? 0 : *num_visited->data<int64_t>();
    if (!is_new) DOPPIO_RETURN_IF_ERROR(CheckRows(rows, visited));
    if (has_objects_) DOPPIO_RETURN_IF_ERROR(CheckObjects(is_new, rows));

    State state = {
        rows,    visited, {}, nullptr, OutputBlob(kNumVisited)->template GetMutable<Tensor>(),
        nullptr, nullptr};
    if (Packed() == nullptr) {
      state.reservoir = OutputBlob(kReservoir)->template GetMutable<Tensor>();
    } else if (!is_new) {
      state.records = *RecordsOf(InputBlob(kReservoirIn));
    }
    DOPPIO_RETURN_IF_ERROR(state.num_visited->MakeUnique());
    if (!has_objects_) return state;
    state.object_to_pos = OutputBlob(kObjectToPos)->template GetMutable<ObjectToPos>();
    state.pos_to_object = OutputBlob(kPosToObject)->template GetMutable<Tensor>();
    if (is_new) state.object_to_pos->clear();
    return state;
  }

  // Whether rows of DATA are such as those of the reservoir.
  bool AreAlike() const {
    if (const Records* packed = Packed()) {
      return packed->empty() ||
             (*packed)[0].size() == (*RecordsOf(InputBlob(kReservoirIn)))[0].size();
    }
    const Tensor& data = Input(kData);
    const Tensor& reservoir = *InputBlob(kReservoirIn).template Get<Tensor>();
    return reservoir.rank() == data.rank() && reservoir.dtype() == data.dtype() &&
           std::equal(data.dims().begin() + 1, data.dims().end(), reservoir.dims().begin() + 1);
  }

  absl::Status CheckRows(int64_t rows, int64_t visited) const {
    if (!AreAlike()) {
      return absl::InvalidArgumentError(absl::StrCat("DATA ", DescribeInput(kData),
                                                     " must have rows like those of RESERVOIR ",
                                                     DescribeInput(kReservoirIn)));
    }
    if (visited < 0 || rows != std::min(visited, wanted_) ||
        visited > std::numeric_limits<int64_t>::max() - RowsOfData()) {
      return absl::InvalidArgumentError(
          absl::StrCat("NUM_VISITED is ", visited, ", which can not be with ", rows,
                       " rows in RESERVOIR and num_to_collect ", wanted_));
    }
    return absl::OkStatus();
  }

  absl::Status CheckObjects(bool is_new, int64_t rows) const {
    const Tensor& ids = Input(kObjectId);
    if (!ids.Is<int64_t>() || ids.rank() != 1 || ids.dim(0) != RowsOfData()) {
      return Wrong(kObjectId, absl::StrCat("a vector of ", RowsOfData(), " int64"));
    }
    if (InputBlob(kObjectToPosIn).template Get<ObjectToPos>() == nullptr) {
      return Wrong(kObjectToPosIn, "a map from int64 to int32 that CreateMap made");
    }
    const Tensor* objects = InputBlob(kPosToObjectIn).template Get<Tensor>();
    if (objects == nullptr ||
        (!is_new && (!objects->Is<int64_t>() || objects->rank() != 1 || objects->dim(0) != rows))) {
      return Wrong(kPosToObjectIn, absl::StrCat("a vector of ", rows, " int64"));
    }
    return absl::OkStatus();
  }

  absl::Status Wrong(int i, absl::string_view wanted) const {
    return absl::InvalidArgumentError(absl::StrCat(this->schema().inputs()[i].name, " must be ",
                                                   wanted, ", but is ", DescribeInput(i)));
  }

  // Of rows of one object the first, where that is not in the reservoir.
  std::vector<int64_t> RowsThatCount(const State& state) const {
    const int64_t count = RowsOfData();
    std::vector<int64_t> entries;
    entries.reserve(static_cast<size_t>(count));
    std::set<int64_t> seen;
    for (int64_t i = 0; i < count; ++i) {
      if (has_objects_) {
        const int64_t id = Input(kObjectId).template data<int64_t>()[i];
        if (state.object_to_pos->count(id) > 0 || !seen.insert(id).second) continue;
      }
      entries.push_back(i);
    }
    return entries;
  }

  // Makes room for `more` rows, as far as there may be as many.
  absl::Status Grow(State* state, int64_t more) {
    const int64_t rows = std::min(wanted_, state->rows + std::min(wanted_, more));
    if (Packed() != nullptr) {
      state->records.resize(static_cast<size_t>(rows));
    } else {
      const Tensor& data = Input(kData);
      Dims dims(data.dims().begin(), data.dims().end());
      dims[0] = rows;
      DOPPIO_RETURN_IF_ERROR(GrowTensor(data.dtype(), dims, state->reservoir));
    }
    if (!has_objects_) return absl::OkStatus();
    if (state->rows == 0) state->pos_to_object->Reset();
    return GrowTensor(DataType::kInt64, {rows}, state->pos_to_object);
  }

  static absl::Status GrowTensor(DataType type, DimsView dims, Tensor* tensor) {
    if (tensor->dtype() == type && tensor->dims() == dims) return tensor->MakeUnique();
    DOPPIO_ASSIGN_OR_RETURN(Tensor more, Tensor::Create(type, dims));
    if (tensor->numel() > 0) ElementCopy(*tensor, &more)(0, 0, tensor->numel());
    *tensor = std::move(more);
    return absl::OkStatus();
  }

  // Where a row goes of which `visited` came before; wanted_ or more: nowhere.
  int64_t Place(int64_t visited) {
    if (visited < wanted_) return visited;
    return std::uniform_int_distribution<int64_t>(0, visited)(context_.RandomGenerator());
  }

  void PutObject(const State& state, int64_t id, int64_t place) {
    int64_t* object = state.pos_to_object->template mutable_data<int64_t>() + place;
    if (state.visited >= wanted_) state.object_to_pos->erase(*object);
    *object = id;
    state.object_to_pos->insert_or_assign(id, static_cast<int32_t>(place));
  }

  const int64_t wanted_;
  const bool has_objects_;
};

DOPPIO_REGISTER_CPU_OPERATOR(ReservoirSampling, ReservoirSamplingOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(ReservoirSampling);

}  // namespace
}  // namespace doppio
