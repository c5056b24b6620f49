#ifndef DOPPIO_OPS_DATASET_RECORD_TREE_H_
#define DOPPIO_OPS_DATASET_RECORD_TREE_H_

// Records in columns. Each field of a record is a tensor; which rows of it belong to which record
// is said by the names: a field "a:lengths" tells how many rows of the other fields "a:..." each
// row of its own level has. Lengths may have lengths themselves ("a:lengths", "a:b:lengths",
// "a:b:values").

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "doppio/status.h"
#include "doppio/tensor.h"

namespace doppio {

// One row for each element that a level counts, or a position in each level.
using LevelCounts = std::vector<int64_t>;

// Where fields stand, by their names alone.
class RecordTree {
 public:
  RecordTree() = default;
  // An error where lengths come after a field that they count.
  static absl::StatusOr<RecordTree> Create(std::vector<std::string> names);

  int size() const { return static_cast<int>(names_.size()); }
  const std::string& name(int field) const { return names_[field]; }
  // The level of a field's rows: 0 are the records, k what lengths_field(k) counts.
  int level(int field) const { return levels_[field]; }
  int level_count() const { return static_cast<int>(lengths_fields_.size()) + 1; }
  // The field with the lengths of level k, k > 0. Its own level is below k.
  int lengths_field(int k) const { return lengths_fields_[k - 1]; }
  // `field 2 "a:values"`, for messages.
  std::string Describe(int field) const;

 private:
  std::vector<std::string> names_;
  std::vector<int> levels_;
  std::vector<int> lengths_fields_;
};

// The tensors of a tree's fields, looked at once: their lengths, and how many rows each level has.
// The tensors must live on.
class RecordFields {
 public:
  // An error unless there is a tensor for each field, none of them a scalar, lengths vectors of
  // int32. Lengths without elements may have any type: an empty list has none in Python.
  static absl::StatusOr<RecordFields> Create(const RecordTree* tree,
                                             std::vector<const Tensor*> tensors);

  const RecordTree& tree() const { return *tree_; }
  const Tensor& tensor(int field) const { return *tensors_[field]; }
  // Rows that all fields of a level have; where it has no field, as many as there could be.
  int64_t rows(int level) const { return rows_[level]; }
  int64_t records() const { return rows_[0]; }

  // How many rows of each level belong to the `count` records from `offsets` on, fewer where they
  // end before; an error where lengths are negative or go past the end of what they count.
  absl::StatusOr<LevelCounts> Sizes(const LevelCounts& offsets, int64_t count) const;

 private:
  const RecordTree* tree_ = nullptr;
  std::vector<const Tensor*> tensors_;
  std::vector<absl::Span<const int32_t>> lengths_;  // by level; [0] is not used
  LevelCounts rows_;
};

// The shape of `rows` rows of a tensor.
Dims RowsDims(const Tensor& tensor, int64_t rows);
// A tensor of the rows [begin, begin + count), which the caller has checked to be there.
absl::StatusOr<Tensor> CopyOfRows(const Tensor& tensor, int64_t begin, int64_t count);

}  // namespace doppio

#endif  // DOPPIO_OPS_DATASET_RECORD_TREE_H_
