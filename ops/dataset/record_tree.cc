#include "ops/dataset/record_tree.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_split.h"
#include "src/operator/element_copy.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

using Parts = std::vector<std::string>;

// Whether lengths of that name count the rows of that field: all but the last part of their name
// begins the field's.
bool Counts(const Parts& lengths, const Parts& field) {
  return lengths.size() > 1 && lengths.size() - 1 <= field.size() &&
         std::equal(lengths.begin(), lengths.end() - 1, field.begin());
}

}  // namespace

absl::StatusOr<RecordTree> RecordTree::Create(std::vector<std::string> names) {
  RecordTree tree;
  tree.names_ = std::move(names);
  std::vector<Parts> parts;
  for (int i = 0; i < tree.size(); ++i) {
    parts.push_back(absl::StrSplit(tree.names_[i], ':'));
    if (parts.back().back() == "lengths") tree.lengths_fields_.push_back(i);
  }
  for (int i = 0; i < tree.size(); ++i) {
    // Of several the longest name, which stands deepest in the tree.
    int level = 0;
    size_t depth = 0;
    for (int k = 1; k < tree.level_count(); ++k) {
      const int j = tree.lengths_field(k);
      if (j == i || !Counts(parts[j], parts[i]) || parts[j].size() <= depth) continue;
      level = k;
      depth = parts[j].size();
    }
    if (level > 0 && tree.lengths_field(level) > i) {
      return absl::InvalidArgumentError(absl::StrCat(tree.Describe(i),
                                                     " stands before its lengths, ",
                                                     tree.Describe(tree.lengths_field(level))));
    }
    tree.levels_.push_back(level);
  }
  return tree;
}

std::string RecordTree::Describe(int field) const {
  return absl::StrCat("field ", field, " \"", names_[field], "\"");
}

absl::StatusOr<RecordFields> RecordFields::Create(const RecordTree* tree,
                                                  std::vector<const Tensor*> tensors) {
  if (static_cast<int>(tensors.size()) != tree->size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "there are ", tree->size(), " names of fields, but ", tensors.size(), " tensors"));
  }
  RecordFields fields;
  fields.tree_ = tree;
  fields.tensors_ = std::move(tensors);
  fields.rows_.assign(tree->level_count(), std::numeric_limits<int64_t>::max());
  for (int i = 0; i < tree->size(); ++i) {
    DOPPIO_RETURN_IF_ERROR(CheckNotScalar(fields.tensor(i).dims(), tree->Describe(i)));
    int64_t& rows = fields.rows_[tree->level(i)];
    rows = std::min(rows, fields.tensor(i).dim(0));
  }
  fields.lengths_.resize(tree->level_count());
  for (int k = 1; k < tree->level_count(); ++k) {
    const Tensor& lengths = fields.tensor(tree->lengths_field(k));
    if (lengths.numel() == 0 && lengths.dim(0) == 0) continue;
    DOPPIO_RETURN_IF_ERROR(CheckVector<int32_t>(lengths, tree->Describe(tree->lengths_field(k))));
    fields.lengths_[k] = lengths.span<int32_t>();
  }
  return fields;
}

absl::StatusOr<LevelCounts> RecordFields::Sizes(const LevelCounts& offsets, int64_t count) const {
  if (static_cast<int>(offsets.size()) != tree_->level_count()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the cursor has ", offsets.size(), " positions, but the fields have ",
                     tree_->level_count(), " levels; ResetCursor lets it begin anew"));
  }
  if (offsets[0] > records()) {
    return absl::FailedPreconditionError(absl::StrCat("the cursor stands at record ", offsets[0],
                                                      ", but there are only ", records()));
  }
  LevelCounts sizes(offsets.size());
  sizes[0] = std::min(count, records() - offsets[0]);
  for (int k = 1; k < tree_->level_count(); ++k) {
    const int field = tree_->lengths_field(k);
    const int parent = tree_->level(field);
    // Rows of the parent are rows of its lengths too, so these are there.
    DOPPIO_ASSIGN_OR_RETURN(
        sizes[k],
        SumOfLengths(lengths_[k].subspan(static_cast<size_t>(offsets[parent]),
                                         static_cast<size_t>(sizes[parent])),
                     absl::StrCat(tree_->Describe(field), ", from row ", offsets[parent], " on:")));
    if (sizes[k] > rows(k) - offsets[k]) {
      return absl::InvalidArgumentError(
          absl::StrCat(tree_->Describe(field), " asks for rows ", offsets[k], " to ", offsets[k],
                       " + ", sizes[k], " of the fields that it counts, but they have ", rows(k)));
    }
  }
  return sizes;
}

Dims RowsDims(const Tensor& tensor, int64_t rows) {
  Dims dims(tensor.dims().begin(), tensor.dims().end());
  dims[0] = rows;
  return dims;
}

absl::StatusOr<Tensor> CopyOfRows(const Tensor& tensor, int64_t begin, int64_t count) {
  DOPPIO_ASSIGN_OR_RETURN(Tensor rows, Tensor::Create(tensor.dtype(), RowsDims(tensor, count)));
  const int64_t block = SizeFromDim(tensor.dims(), 1);
  ElementCopy(tensor, &rows)(begin * block, 0, count * block);
  return rows;
}

}  // namespace doppio
