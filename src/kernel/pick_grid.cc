#include "src/kernel/pick_grid.h"

#include <algorithm>
#include <string>

#include "doppio/parallel.h"

namespace doppio {
namespace {

bool IsWhole(const Places& places, int64_t size) {
  if (static_cast<int64_t>(places.size()) != size) return false;
  for (int64_t i = 0; i < size; ++i) {
    if (places[static_cast<size_t>(i)] != i) return false;
  }
  return true;
}

// Where a row of y begins in x, `row` counting the places of all dimensions but the last; -1 where
// it is filled.
int64_t RowPlace(int64_t row, absl::Span<const Places> places, DimsView strides) {
  int64_t place = 0;
  bool is_filled = false;
  for (size_t d = places.size() - 1; d-- > 0;) {
    const auto size = static_cast<int64_t>(places[d].size());
    const int64_t at = places[d][static_cast<size_t>(row % size)];
    row /= size;
    is_filled = is_filled || at < 0;
    place += at * strides[d];
  }
  return is_filled ? -1 : place;
}

}  // namespace

template <typename T>
void PickGrid(const T* x, DimsView x_dims, absl::Span<const Places> places, const T& fill, T* y) {
  // Dimensions at the end that are taken whole are blocks that are copied.
  size_t rank = places.size();
  int64_t block = 1;
  while (rank > 0 && IsWhole(places[rank - 1], x_dims[rank - 1])) block *= x_dims[--rank];
  if (rank == 0) {
    std::copy_n(x, block, y);
    return;
  }
  places = places.subspan(0, rank);
  Dims strides(rank, block);
  for (size_t d = rank - 1; d-- > 0;) strides[d] = strides[d + 1] * x_dims[d + 1];
  int64_t rows = 1;
  for (size_t d = 0; d + 1 < rank; ++d) rows *= static_cast<int64_t>(places[d].size());
  const Places& last = places.back();
  const int64_t length = static_cast<int64_t>(last.size()) * block;
  if (length == 0) return;
  constexpr int64_t kGrain = 1 << 15;  // elements
  ParallelFor(rows, kGrain / length + 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      T* to = y + row * length;
      const int64_t from = RowPlace(row, places, strides);
      if (from < 0) {
        std::fill_n(to, length, fill);
        continue;
      }
      for (const int64_t place : last) {
        if (place < 0) {
          std::fill_n(to, block, fill);
        } else if (block == 1) {
          *to = x[from + place];
        } else {
          std::copy_n(x + from + place * block, block, to);
        }
        to += block;
      }
    }
  });
}

template void PickGrid(const uint8_t*, DimsView, absl::Span<const Places>, const uint8_t&,
                       uint8_t*);
template void PickGrid(const uint16_t*, DimsView, absl::Span<const Places>, const uint16_t&,
                       uint16_t*);
template void PickGrid(const uint32_t*, DimsView, absl::Span<const Places>, const uint32_t&,
                       uint32_t*);
template void PickGrid(const uint64_t*, DimsView, absl::Span<const Places>, const uint64_t&,
                       uint64_t*);
template void PickGrid(const std::string*, DimsView, absl::Span<const Places>, const std::string&,
                       std::string*);

}  // namespace doppio
