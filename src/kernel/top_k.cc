#include "src/kernel/top_k.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "absl/container/inlined_vector.h"
#include "doppio/parallel.h"

namespace doppio {
namespace {

// A number whose order is the order of values.
template <typename T>
auto OrderOf(T value) {
  using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
  constexpr Bits kSign = Bits{1} << (8 * sizeof(T) - 1);
  if (std::isnan(value)) return std::numeric_limits<Bits>::max();
  value += T(0);  // -0 becomes 0
  Bits bits;
  std::memcpy(&bits, &value, sizeof bits);
  return static_cast<Bits>(bits & kSign ? ~bits : bits | kSign);
}

// The value of which OrderOf gives `order`.
template <typename T, typename Bits>
T ValueOf(Bits order) {
  constexpr Bits kSign = Bits{1} << (8 * sizeof(T) - 1);
  const Bits bits = order & kSign ? order ^ kSign : ~order;
  T value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// An element and its index as one number, of which the larger one comes first. Comparing such
// numbers is what selection spends its time with.
struct Narrow {
  using Key = uint64_t;
  static constexpr int64_t kWords = 1;
  static Key Make(float value, int64_t index) {
    return uint64_t{OrderOf(value)} << 32 | (0xffffffffu - static_cast<uint32_t>(index));
  }
  static int64_t Index(Key key) { return 0xffffffffu - static_cast<uint32_t>(key); }
  template <typename T>
  static T Value(Key key) {
    return ValueOf<T>(static_cast<uint32_t>(key >> 32));
  }
};

// For elements of 8 bytes, and indices of more than 4.
struct Wide {
  struct Key {
    uint64_t order;
    int64_t index;
    bool operator>(const Key& other) const {
      return order > other.order || (order == other.order && index < other.index);
    }
  };
  static constexpr int64_t kWords = 2;
  template <typename T>
  static Key Make(T value, int64_t index) {
    return {OrderOf(value), index};
  }
  static int64_t Index(const Key& key) { return key.index; }
  template <typename T>
  static T Value(const Key& key) {
    using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
    return ValueOf<T>(static_cast<Bits>(key.order));
  }
};

struct IsFirst {
  template <typename Key>
  bool operator()(const Key& a, const Key& b) const {
    return a > b;
  }
};

// How many keys a selection of k out of n holds at a time.
int64_t Capacity(int64_t k, int64_t n) {
  constexpr int64_t kLeast = 64;
  return std::min(n, std::max(kLeast, k <= n / 2 ? 2 * k : n));
}

// The k largest of what is added, in the order of the indices. What is not above the k-th largest
// so far is dropped after one comparison, which is what happens to most where k is small; the
// others are gathered until twice as many as wanted are there, and then cut to k again.
template <typename Kind, typename T>
class Selection {
 public:
  using Key = typename Kind::Key;
  Selection(Key* keys, int64_t capacity, int64_t k) : keys_(keys), capacity_(capacity), k_(k) {}

  void Add(T value, int64_t index) {
    if (value <= least_value_) return;  // of equal ones the first stays
    const Key key = Kind::Make(value, index);
    if (is_cut_ && !(key > least_)) return;
    if (count_ == capacity_) {
      Cut();
      if (!(key > least_)) return;
    }
    keys_[count_++] = key;
  }

  // The keys, largest first.
  const Key* Finish() {
    if (count_ > k_) Cut();
    std::sort(keys_, keys_ + count_, IsFirst());
    return keys_;
  }
  int64_t count() const { return count_; }

 private:
  void Cut() {
    std::nth_element(keys_, keys_ + (k_ - 1), keys_ + count_, IsFirst());
    least_ = keys_[k_ - 1];
    least_value_ = Kind::template Value<T>(least_);
    is_cut_ = true;
    count_ = k_;
  }

  Key* keys_;
  int64_t capacity_;
  int64_t k_;
  int64_t count_ = 0;
  bool is_cut_ = false;
  Key least_{};
  T least_value_ = std::numeric_limits<T>::quiet_NaN();  // nothing is at most that
};

// Whether an index of a vector of n elements fits into a narrow key.
constexpr bool IsNarrow(int64_t n) { return n <= int64_t{0xffffffff}; }

template <typename Kind, typename T, typename Index>
void TopKOfRow(const TopKRow<T, Index>& row, uint64_t* scratch) {
  using Key = typename Kind::Key;
  const int64_t count = std::min(row.k, row.size);
  if (count > 0) {
    Selection<Kind, T> selection(reinterpret_cast<Key*>(scratch), Capacity(count, row.size), count);
    for (int64_t i = 0; i < row.size; ++i) selection.Add(row.x[i], i);
    const Key* keys = selection.Finish();
    for (int64_t j = 0; j < count; ++j) {
      const int64_t index = Kind::Index(keys[j]);
      row.values[j] = row.x[index];
      row.indices[j] = static_cast<Index>(index);
    }
  }
  std::fill(row.values + count, row.values + row.k, T(0));
  std::fill(row.indices + count, row.indices + row.k, Index(-1));
}

// Calls body(begin, end, piece) for at most NumThreads() pieces of [0, size), each with a number of
// its own, which says whose part of a scratch it may use.
template <typename Body>
void ParallelPieces(int64_t pieces, int64_t size, Body body) {
  ParallelFor(pieces, 1, [&](int64_t first, int64_t last) {
    for (int64_t piece = first; piece < last; ++piece) {
      const int64_t each = size / pieces;
      const int64_t more = size % pieces;
      const int64_t begin = piece * each + std::min(piece, more);
      body(begin, begin + each + (piece < more ? 1 : 0), piece);
    }
  });
}

constexpr int64_t kGrain = 1 << 13;  // elements that are worth a thread

int64_t NumPieces(int64_t elements, int64_t units) {
  return std::max<int64_t>(1, std::min({int64_t{NumThreads()}, units, elements / kGrain}));
}

template <typename T>
constexpr int64_t KeyWords(int64_t n) {
  return sizeof(T) == 4 && IsNarrow(n) ? Narrow::kWords : Wide::kWords;
}

// Columns that are gone through side by side, so that what is read of a row is one cache line.
template <typename T>
constexpr int64_t kColumns = 64 / static_cast<int64_t>(sizeof(T));

template <typename Kind, typename T>
void TopKOfColumns(const T* x, int64_t columns, int64_t size, int64_t inner, int64_t k,
                   int64_t position, T* values, int64_t* indices, int64_t* flat,
                   uint64_t* scratch) {
  using Key = typename Kind::Key;
  const int64_t count = std::min(k, size);
  const int64_t capacity = Capacity(count, size);
  Key* keys = reinterpret_cast<Key*>(scratch);
  if (count > 0) {
    absl::InlinedVector<Selection<Kind, T>, kColumns<T>> selections;
    for (int64_t c = 0; c < columns; ++c) {
      selections.emplace_back(keys + c * capacity, capacity, count);
    }
    for (int64_t i = 0; i < size; ++i) {
      const T* row = x + i * inner;
      for (int64_t c = 0; c < columns; ++c) {
        selections[static_cast<size_t>(c)].Add(row[c], i);
      }
    }
    for (int64_t c = 0; c < columns; ++c) {
      const Key* found = selections[static_cast<size_t>(c)].Finish();
      for (int64_t j = 0; j < count; ++j) {
        const int64_t index = Kind::Index(found[j]);
        values[j * inner + c] = x[index * inner + c];
        indices[j * inner + c] = index;
        if (flat != nullptr) flat[j * inner + c] = position + index * inner + c;
      }
    }
  }
  for (int64_t j = count; j < k; ++j) {
    std::fill_n(values + j * inner, columns, T(0));
    std::fill_n(indices + j * inner, columns, int64_t{-1});
    if (flat != nullptr) std::fill_n(flat + j * inner, columns, int64_t{-1});
  }
}

}  // namespace

template <typename T, typename Index>
void TopKOfRows(int64_t count, absl::FunctionRef<TopKRow<T, Index>(int64_t)> row_at,
                TopKScratch* scratch) {
  int64_t elements = 0;
  int64_t words = 0;
  for (int64_t r = 0; r < count; ++r) {
    const TopKRow<T, Index> row = row_at(r);
    elements += row.size + row.k;
    words = std::max(words, KeyWords<T>(row.size) * Capacity(std::min(row.k, row.size), row.size));
  }
  const int64_t pieces = NumPieces(elements, count);
  uint64_t* memory = scratch->Get(pieces * words);
  ParallelPieces(pieces, count, [&](int64_t begin, int64_t end, int64_t piece) {
    for (int64_t r = begin; r < end; ++r) {
      const TopKRow<T, Index> row = row_at(r);
      if constexpr (sizeof(T) == 4) {
        if (IsNarrow(row.size)) {
          TopKOfRow<Narrow>(row, memory + piece * words);
          continue;
        }
      }
      TopKOfRow<Wide>(row, memory + piece * words);
    }
  });
}

template <typename T>
void TopKAlongAxis(const T* x, int64_t outer, int64_t size, int64_t inner, int64_t k, T* values,
                   int64_t* indices, int64_t* flat, TopKScratch* scratch) {
  const int64_t width = std::min(inner, kColumns<T>);
  if (outer == 0 || width == 0 || k == 0) return;
  const int64_t blocks = (inner + width - 1) / width;
  const int64_t words = KeyWords<T>(size) * width * Capacity(std::min(k, size), size);
  const int64_t pieces = NumPieces(outer * inner * std::max(size, k), outer * blocks);
  uint64_t* memory = scratch->Get(pieces * words);
  ParallelPieces(pieces, outer * blocks, [&](int64_t begin, int64_t end, int64_t piece) {
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t o = unit / blocks;
      const int64_t first = unit % blocks * width;
      const int64_t columns = std::min(width, inner - first);
      const int64_t from = o * size * inner + first;
      const int64_t to = o * k * inner + first;
      const auto run = [&](auto kind) {
        TopKOfColumns<decltype(kind)>(x + from, columns, size, inner, k, from, values + to,
                                      indices + to, flat == nullptr ? nullptr : flat + to,
                                      memory + piece * words);
      };
      if constexpr (sizeof(T) == 4) {
        if (IsNarrow(size)) {
          run(Narrow());
          continue;
        }
      }
      run(Wide());
    }
  });
}

template void TopKOfRows(int64_t, absl::FunctionRef<TopKRow<float, int32_t>(int64_t)>,
                         TopKScratch*);
template void TopKOfRows(int64_t, absl::FunctionRef<TopKRow<double, int32_t>(int64_t)>,
                         TopKScratch*);
template void TopKOfRows(int64_t, absl::FunctionRef<TopKRow<float, int64_t>(int64_t)>,
                         TopKScratch*);
template void TopKOfRows(int64_t, absl::FunctionRef<TopKRow<double, int64_t>(int64_t)>,
                         TopKScratch*);
template void TopKAlongAxis(const float*, int64_t, int64_t, int64_t, int64_t, float*, int64_t*,
                            int64_t*, TopKScratch*);
template void TopKAlongAxis(const double*, int64_t, int64_t, int64_t, int64_t, double*, int64_t*,
                            int64_t*, TopKScratch*);

}  // namespace doppio
