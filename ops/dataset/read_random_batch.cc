#include <algorithm>
#include <limits>
#include <numeric>

#include "doppio/gradient_maker.h"
#include "doppio/random_engine.h"
#include "doppio/registry.h"
#include "ops/dataset/field_inputs.h"
#include "ops/dataset/tree_cursor.h"
#include "src/operator/element_copy.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(ComputeOffset)
    .NumInputs(1, OpSchema::kMany)
    .NumOutputs(1)
    .AllowAnyInput(0)
    .Doc(R"DOC(
Where each record begins, for ReadRandomBatch: a row for each record and one for the end; a column for
the records themselves and one for each field of lengths, in the order of these. The cursor, which says
which fields there are, is put before the first record.

Example: a cursor of ["tags:lengths", "tags:values"], tags:lengths [2,1] and tags:values [1,2,3] give
[[0,0],[1,2],[2,3]].
)DOC")
    .Input(0, "cursor", "a cursor, made by CreateTreeCursor")
    .Input(1, "dataset_field_0", "all rows of the first field; the other fields follow")
    .Output(0, "offsets", "matrix of int64")
    .HasSideEffects();

template <class Context>
class ComputeOffsetOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ComputeOffsetOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const std::shared_ptr<TreeCursor::State> cursor, CursorInput(*this));
    DOPPIO_ASSIGN_OR_RETURN(const RecordFields fields, FieldInputs(*this, 1, &cursor->tree));
    if (cursor->tree.size() == 0) {
      return absl::InvalidArgumentError("a cursor without fields has no records");
    }
    const int levels = cursor->tree.level_count();
    DOPPIO_ASSIGN_OR_RETURN(Tensor * offsets,
                            Output(0, DataType::kInt64, {fields.records() + 1, levels}));
    int64_t* out = offsets->template mutable_data<int64_t>();
    LevelCounts position(levels, 0);
    for (int64_t record = 0;; ++record) {
      out = std::copy(position.begin(), position.end(), out);
      if (record == fields.records()) break;
      DOPPIO_ASSIGN_OR_RETURN(const LevelCounts sizes, fields.Sizes(position, 1));
      for (int k = 0; k < levels; ++k) position[k] += sizes[k];
    }
    const std::lock_guard<std::mutex> held(cursor->mutex);
    cursor->offsets.assign(levels, 0);
    return absl::OkStatus();
  }
};

DOPPIO_OPERATOR_SCHEMA(SortAndShuffle)
    .NumInputs(1, OpSchema::kMany)
    .NumOutputs(1)
    .AllowAnyInput(0)
    .Doc(R"DOC(
An order of records for ReadRandomBatch, in which records of a batch are alike but batches come at
random: records are sorted by a field, runs of `shuffle_size` * `batch_size` of them are shuffled, and then
the batches. Records after the last whole run are not shuffled, those after the last whole batch stay
at the end. Where there are fewer records than a run has, shuffle_size is as large as they allow.

Without a seed in the device option a new operator gives the same order every time, whose first run of
records is shuffled as in Caffe2. There the generator begins anew at every use; here each run of records is
shuffled in its own way, the last one too where it is whole, and records with equal keys are sorted by
their place.

Example: with `batch_size` 2 and `shuffle_size` 2, keys [4,3,2,1,0] are sorted to the records
[4,3,2,1,0]; one result is [1,3,2,4,0].
)DOC")
    .Arg<int64_t>("sort_by_field_idx", "field to sort by, a vector of int32; -1: do not sort", 1)
    .Arg<int64_t>("batch_size", "records in a batch", 1)
    .Arg<int64_t>("shuffle_size", "batches whose records are shuffled together", 1)
    .Input(0, "cursor", "a cursor, made by CreateTreeCursor")
    .Input(1, "dataset_field_0", "all rows of the first field; the other fields follow")
    .Output(0, "indices", "vector of int64 with the number of each record once")
    .HasSideEffects();

template <class Context>
class SortAndShuffleOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SortAndShuffleOp(OperatorInit* init)
      : Operator<Context>(init),
        key_(init->GetSingleArgument<int64_t>("sort_by_field_idx")),
        batch_size_(init->GetSingleArgument<int64_t>("batch_size")),
        shuffle_size_(init->GetSingleArgument<int64_t>("shuffle_size")) {
    if (key_ < -1 || batch_size_ < 1 || shuffle_size_ < 1) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("sort_by_field_idx is ", key_, ", must be at least -1; batch_size is ",
                       batch_size_, " and shuffle_size ", shuffle_size_, ", must be at least 1")));
    }
  }

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const std::shared_ptr<TreeCursor::State> cursor, CursorInput(*this));
    const RecordTree& tree = cursor->tree;
    DOPPIO_ASSIGN_OR_RETURN(const RecordFields fields, FieldInputs(*this, 1, &tree));
    if (key_ >= tree.size() || tree.size() == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("sort_by_field_idx is ", key_, ", but there are ", tree.size(), " fields"));
    }
    const int64_t count = fields.records();
    DOPPIO_ASSIGN_OR_RETURN(Tensor * indices, Output(0, DataType::kInt64, {count}));
    order_.resize(static_cast<size_t>(count));
    std::iota(order_.begin(), order_.end(), int64_t{0});
    if (key_ >= 0) DOPPIO_RETURN_IF_ERROR(Sort(fields));

    const int64_t batches = count / batch_size_;
    const int64_t run = std::min(shuffle_size_, batches) * batch_size_;
    if (run > 1) {
      for (int64_t begin = 0; begin + run <= count; begin += run) {
        Shuffle(order_.begin() + begin, order_.begin() + begin + run);
      }
    }
    batches_.resize(static_cast<size_t>(batches));
    std::iota(batches_.begin(), batches_.end(), int64_t{0});
    Shuffle(batches_.begin(), batches_.end());
    int64_t* out = indices->template mutable_data<int64_t>();
    for (int64_t batch : batches_) {
      out = std::copy_n(order_.begin() + batch * batch_size_, batch_size_, out);
    }
    std::copy(order_.begin() + batches * batch_size_, order_.end(), out);
    return absl::OkStatus();
  }

 private:
  using Iterator = std::vector<int64_t>::iterator;

  void Shuffle(Iterator begin, Iterator end) {
    if (this->def().device_option().has_random_seed()) {
      std::shuffle(begin, end, context_.RandomGenerator());
    } else {
      std::shuffle(begin, end, caffe2_generator_);
    }
  }

  absl::Status Sort(const RecordFields& fields) {
    const int key = static_cast<int>(key_);
    const RecordTree& tree = fields.tree();
    if (tree.level(key) != 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          tree.Describe(key), " has not one row for each record: records are not sorted by it"));
    }
    DOPPIO_RETURN_IF_ERROR(CheckVector<int32_t>(fields.tensor(key), tree.Describe(key)));
    const int32_t* keys = fields.tensor(key).template data<int32_t>();
    std::stable_sort(order_.begin(), order_.end(),
                     [keys](int64_t a, int64_t b) { return keys[a] < keys[b]; });
    return absl::OkStatus();
  }

  int64_t key_;
  int64_t batch_size_;
  int64_t shuffle_size_;
  std::minstd_rand0 caffe2_generator_;
  std::vector<int64_t> order_;    // scratch
  std::vector<int64_t> batches_;  // scratch
};

DOPPIO_OPERATOR_SCHEMA(ReadRandomBatch)
    .NumInputs(3, OpSchema::kMany)
    .NumOutputs(1, OpSchema::kMany)
    .AllowAnyInput(0)
    .Doc(R"DOC(
The next records in an order of one's own (SortAndShuffle), as a tensor for each field; the cursor counts
how many were read. At the end there are fewer of them, and then none, unless `loop_over` lets them begin
anew. Threads may read with one cursor at the same time; each place in the order is given to one of them.

Example: a cursor of ["tags:lengths", "tags:values"], idx [1,0], offsetsmat [[0,0],[1,2],[2,3]] (see
ComputeOffset), tags:lengths [2,1], tags:values [1,2,3] and `batch_size` 2 give [1,2] and [3,1,2].
)DOC")
    .Arg<int64_t>("batch_size", "most records to read, at least 1", 1)
    .Arg<bool>(
        "enforce_batch_size",
        "never give fewer records than batch_size, except none: those at the end are left out",
        false)
    .Arg<bool>("loop_over", "after the last records come the first ones again", false)
    .Input(0, "cursor", "a cursor, made by CreateTreeCursor")
    .Input(1, "idx", "vector of int64 with numbers of records")
    .Input(2, "offsetsmat", "matrix of int64 with the offsets of all records, from ComputeOffset")
    .Input(3, "dataset_field_0", "all rows of the first field; the other fields follow")
    .Output(0, "field_0", "rows of the first field; the other fields follow")
    .HasSideEffects();

template <class Context>
class ReadRandomBatchOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ReadRandomBatchOp(OperatorInit* init)
      : Operator<Context>(init),
        batch_size_(init->GetSingleArgument<int64_t>("batch_size")),
        enforce_batch_size_(init->GetSingleArgument<bool>("enforce_batch_size")),
        loop_over_(init->GetSingleArgument<bool>("loop_over")) {
    if (batch_size_ < 1) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("batch_size is ", batch_size_, ", must be at least 1")));
    }
    if (InputSize() != OutputSize() + 3) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("there must be an output for each field, but there are ", InputSize() - 3,
                       " fields and ", OutputSize(), " outputs")));
    }
  }

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const std::shared_ptr<TreeCursor::State> cursor, CursorInput(*this));
    const RecordTree& tree = cursor->tree;
    DOPPIO_ASSIGN_OR_RETURN(const RecordFields fields, FieldInputs(*this, 3, &tree));
    DOPPIO_RETURN_IF_ERROR(CheckVector<int64_t>(Input(1), "idx"));
    const Tensor& offsets = Input(2);
    if (!offsets.Is<int64_t>() || offsets.rank() != 2 || offsets.dim(1) != tree.level_count()) {
      return absl::InvalidArgumentError(absl::StrCat("offsetsmat must be a matrix of int64 with ",
                                                     tree.level_count(), " columns, but is ",
                                                     offsets.TypeAndShape()));
    }
    const absl::Span<const int64_t> batch = NextBatch(cursor.get());
    for (int64_t record : batch) DOPPIO_RETURN_IF_ERROR(CheckRecord(record, fields));

    const int64_t* starts = offsets.template data<int64_t>();
    for (int i = 0; i < tree.size(); ++i) {
      const Tensor& field = fields.tensor(i);
      const int64_t columns = offsets.dim(1);
      const int64_t* column = starts + tree.level(i);
      // An index may come often, but every size fits into memory, and so does the number of them.
      int64_t rows = 0;
      for (int64_t record : batch) {
        const int64_t size = column[(record + 1) * columns] - column[record * columns];
        if (__builtin_add_overflow(rows, size, &rows)) {
          return absl::OutOfRangeError(
              absl::StrCat("the batch has more rows of ", tree.Describe(i), " than int64 holds"));
        }
      }
      DOPPIO_ASSIGN_OR_RETURN(Tensor * out, Output(i, field.dtype(), RowsDims(field, rows)));
      const ElementCopy copy(field, out);
      const int64_t block = SizeFromDim(field.dims(), 1);
      int64_t to = 0;
      for (int64_t record : batch) {
        const int64_t begin = column[record * columns];
        const int64_t size = (column[(record + 1) * columns] - begin) * block;
        copy(begin * block, to, size);
        to += size;
      }
    }
    return absl::OkStatus();
  }

 private:
  // The numbers of the next records; the cursor goes on.
  absl::Span<const int64_t> NextBatch(TreeCursor::State* cursor) const {
    const absl::Span<const int64_t> order = Input(1).template span<int64_t>();
    const auto count = static_cast<int64_t>(order.size());
    const std::lock_guard<std::mutex> held(cursor->mutex);
    cursor->offsets.resize(1);
    int64_t& position = cursor->offsets[0];
    const int64_t least = enforce_batch_size_ ? batch_size_ : 1;
    if (loop_over_ && count - position < least) position = 0;
    if (count - position < least) return {};
    const int64_t size = std::min(batch_size_, count - position);
    const int64_t begin = position;
    // As in Caffe2 a whole batch is counted, though the last one may be smaller.
    position += std::min(batch_size_, std::numeric_limits<int64_t>::max() - position);
    return order.subspan(static_cast<size_t>(begin), static_cast<size_t>(size));
  }

  // InvalidArgument unless the offsets know that record, and the fields have its rows.
  absl::Status CheckRecord(int64_t record, const RecordFields& fields) const {
    const Tensor& offsets = Input(2);
    if (record < 0 || record >= offsets.dim(0) - 1) {
      return absl::InvalidArgumentError(absl::StrCat("idx has ", record, ", but offsetsmat ",
                                                     ShapeToString(offsets.dims()),
                                                     " is of records 0 to ", offsets.dim(0) - 2));
    }
    const int64_t* begin = offsets.template data<int64_t>() + record * offsets.dim(1);
    const int64_t* end = begin + offsets.dim(1);
    for (int k = 0; k < fields.tree().level_count(); ++k) {
      if (begin[k] >= 0 && begin[k] <= end[k] && end[k] <= fields.rows(k)) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("offsetsmat says that record ", record, " has rows ", begin[k], " to ",
                       end[k], " in column ", k, ", but the fields have ", fields.rows(k)));
    }
    return absl::OkStatus();
  }

  int64_t batch_size_;
  bool enforce_batch_size_;
  bool loop_over_;
};

DOPPIO_REGISTER_CPU_OPERATOR(ComputeOffset, ComputeOffsetOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(ComputeOffset);
DOPPIO_REGISTER_CPU_OPERATOR(SortAndShuffle, SortAndShuffleOp<CPUContext>);
DOPPIO_NO_GRADIENT(SortAndShuffle);
DOPPIO_REGISTER_CPU_OPERATOR(ReadRandomBatch, ReadRandomBatchOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(ReadRandomBatch);

}  // namespace
}  // namespace doppio
