#include "src/training/batches.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <random>

namespace doppio::training {

absl::StatusOr<Batches> Batches::Create(const std::map<std::string, Tensor>& arrays,
                                        absl::string_view what) {
  Batches batches;
  const std::string* first = nullptr;
  int64_t examples = 0;
  for (const auto& [blob, array] : arrays) {
    if (array.rank() == 0 || array.dtype() == DataType::kUndefined) {
      return absl::InvalidArgumentError(absl::StrCat(
          what, " \"", blob, "\" is ", array.TypeAndShape(), ", which has no examples"));
    }
    if (first != nullptr && array.dim(0) != examples) {
      return absl::InvalidArgumentError(absl::StrCat(what, " \"", blob, "\" has ", array.dim(0),
                                                     " examples, but \"", *first, "\" has ",
                                                     examples));
    }
    if (first == nullptr) {
      first = &blob;
      examples = array.dim(0);
    }
  }
  batches.arrays_ = arrays;
  batches.rows_.resize(static_cast<size_t>(examples));
  std::iota(batches.rows_.begin(), batches.rows_.end(), int64_t{0});
  batches.order_ = batches.rows_;
  return batches;
}

Batches Batches::HoldOut(int64_t every) {
  Batches held;
  held.arrays_ = arrays_;
  std::vector<int64_t> kept;
  for (const int64_t row : rows_) (row % every == every - 1 ? held.rows_ : kept).push_back(row);
  rows_ = order_ = std::move(kept);
  held.order_ = held.rows_;
  return held;
}

// Fisher and Yates, by hand: what std::shuffle does with a generator differs between libraries.
void Batches::Shuffle(uint64_t seed, int64_t epoch) {
  order_ = rows_;
  std::seed_seq seeds{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32),
                      static_cast<uint32_t>(epoch), static_cast<uint32_t>(epoch >> 32)};
  std::mt19937_64 random(seeds);
  for (size_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[random() % i]);
}

absl::Status Batches::Feed(int64_t begin, int64_t end, Workspace* workspace) const {
  for (const auto& [blob, array] : arrays_) {
    Tensor* batch = workspace->CreateLocalBlob(blob)->GetMutable<Tensor>();
    Dims dims(array.dims().begin(), array.dims().end());
    dims[0] = end - begin;
    DOPPIO_RETURN_IF_ERROR(Annotate(batch->Resize(array.dtype(), dims), blob));
    const int64_t size = SizeFromDim(array.dims(), 1);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t from = order_[static_cast<size_t>(i)] * size;
      const int64_t to = (i - begin) * size;
      if (array.Is<std::string>()) {
        std::copy_n(array.data<std::string>() + from, size,
                    batch->mutable_data<std::string>() + to);
        continue;
      }
      const size_t width = DataTypeSize(array.dtype());
      std::memcpy(static_cast<char*>(batch->raw_mutable_data()) + static_cast<size_t>(to) * width,
                  static_cast<const char*>(array.raw_data()) + static_cast<size_t>(from) * width,
                  static_cast<size_t>(size) * width);
    }
  }
  return absl::OkStatus();
}

}  // namespace doppio::training
