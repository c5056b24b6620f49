#include "src/dnn/gemm.h"

#include <algorithm>
#include <limits>
#include <type_traits>

#include "absl/synchronization/mutex.h"
#include "doppio/parallel.h"
#include "doppio/shape.h"
#include "src/dnn/onednn.h"
#include "src/kernel/product.h"
#include "src/kernel/vector_matrix.h"

namespace doppio {
namespace {

static_assert(sizeof(dnnl_dim_t) == sizeof(int64_t), "sizes are passed to oneDNN as they are");

// Multiply-adds below which calling oneDNN costs more than the product.
constexpr int64_t kTinyWork = 1024;
// Multiply-adds that are worth a thread.
constexpr int64_t kThreadWork = int64_t{1} << 20;

// m * n * k, or `limit` when it is more.
int64_t WorkUpTo(int64_t limit, int64_t m, int64_t n, int64_t k) {
  int64_t work = 1;
  for (int64_t size : {m, n, k}) {
    if (size == 0) return 0;
    if (work > limit / size) return limit;
    work *= size;
  }
  return std::min(work, limit);
}

// What becomes of the numbers that c holds.
enum class Before { kReplaced, kAddedTo };

// Rows [begin, end) of c. Every element is summed in the order of k.
template <typename T>
void PlainRows(Before before, bool trans_a, bool trans_b, int64_t begin, int64_t end, int64_t m,
               int64_t n, int64_t k, const T* a, const T* b, T* c) {
  for (int64_t i = begin; i < end; ++i) {
    T* row = c + i * n;
    if (trans_b) {
      for (int64_t j = 0; j < n; ++j) {
        T sum = 0;
        for (int64_t l = 0; l < k; ++l)
          sum += (trans_a ? a[l * m + i] : a[i * k + l]) * b[j * k + l];
        row[j] = before == Before::kAddedTo ? row[j] + sum : sum;
      }
      continue;
    }
    if (before == Before::kReplaced) std::fill(row, row + n, T(0));
    for (int64_t l = 0; l < k; ++l) {
      const T factor = trans_a ? a[l * m + i] : a[i * k + l];
      const T* line = b + l * n;
      for (int64_t j = 0; j < n; ++j) row[j] += factor * line[j];
    }
  }
}

// Rows and columns of the blocks that c is cut into, by its shape alone: large, unless that would
// leave threads without work.
struct BlockSize {
  int64_t rows;
  int64_t columns;
};

BlockSize ChooseBlocks(int64_t m, int64_t n, int64_t k) {
  constexpr int64_t kLargest = 512;
  constexpr int64_t kSmallest = 128;
  constexpr int64_t kEnough = 16;
  BlockSize block{std::min(m, kLargest), std::min(n, kLargest)};
  while (((m - 1) / block.rows + 1) * ((n - 1) / block.columns + 1) < kEnough) {
    int64_t& larger = block.rows > block.columns ? block.rows : block.columns;
    if (larger < 2 * kSmallest) break;
    if (WorkUpTo(2 * kThreadWork, block.rows, block.columns, k) < 2 * kThreadWork) break;
    larger = (larger / 2 + 15) / 16 * 16;
  }
  return block;
}

// Rows that are a multiple of a page apart fall on the same lines of the cache, as do columns that
// are a quarter of one apart: a product that reads them in place is up to four times as slow.
constexpr int64_t kClashingRows = 1024;
constexpr int64_t kClashingColumns = 256;
constexpr int64_t kPadding = 16;
constexpr int64_t kLargestCopy = int64_t{1} << 20;  // elements

// A part of a matrix that is stored with `stride` elements from row to row.
struct Part {
  const float* data;
  int64_t stride;
};

// The part of these rows and columns, or a copy of it whose rows do not clash.
absl::StatusOr<Part> WithoutClashes(bool clashes, int slot, Part part, int64_t rows,
                                    int64_t columns) {
  const int64_t stride = columns + kPadding;
  if (!clashes || rows > kLargestCopy / stride) return part;
  DOPPIO_ASSIGN_OR_RETURN(void* room,
                          DnnlScratch(slot, rows * stride * static_cast<int64_t>(sizeof(float))));
  auto* copy = static_cast<float*>(room);
  for (int64_t i = 0; i < rows; ++i) {
    std::copy_n(part.data + i * part.stride, columns, copy + i * stride);
  }
  return Part{copy, stride};
}

absl::Status BlockedSgemm(Before before, bool trans_a, bool trans_b, int64_t m, int64_t n,
                          int64_t k, const float* a, const float* b, float* c) {
  const BlockSize block = ChooseBlocks(m, n, k);
  const int64_t across = (n - 1) / block.columns + 1;
  const int64_t blocks = ((m - 1) / block.rows + 1) * across;
  const bool a_clashes = trans_a ? m % kClashingColumns == 0 : k % kClashingRows == 0;
  const bool b_clashes = !trans_b && n % kClashingRows == 0;
  const auto run = [&](int64_t i) -> absl::Status {
    const int64_t row = i / across * block.rows;
    const int64_t column = i % across * block.columns;
    const int64_t rows = std::min(block.rows, m - row);
    const int64_t columns = std::min(block.columns, n - column);
    DOPPIO_ASSIGN_OR_RETURN(
        const Part left,
        WithoutClashes(a_clashes, 4, trans_a ? Part{a + row, m} : Part{a + row * k, k},
                       trans_a ? k : rows, trans_a ? rows : k));
    DOPPIO_ASSIGN_OR_RETURN(
        const Part right,
        WithoutClashes(b_clashes, 5, trans_b ? Part{b + column * k, k} : Part{b + column, n},
                       trans_b ? columns : k, trans_b ? k : columns));
    const dnnl_status_t status =
        dnnl_sgemm(trans_a ? 'T' : 'N', trans_b ? 'T' : 'N', rows, columns, k, 1.0f, left.data,
                   left.stride, right.data, right.stride, before == Before::kAddedTo ? 1.0f : 0.0f,
                   c + row * n + column, n);
    if (status == dnnl_success) return absl::OkStatus();
    if (status == dnnl_out_of_memory) {
      return absl::ResourceExhaustedError("no memory for a matrix product");
    }
    return absl::InternalError(absl::StrCat("oneDNN refused a matrix product, status ", status));
  };
  absl::Mutex mutex;
  absl::Status error;
  ParallelFor(blocks, 1, [&](int64_t begin, int64_t end) {
    const OpenMpThreads single_threaded(1);
    for (int64_t i = begin; i < end; ++i) {
      absl::Status status = run(i);
      if (status.ok()) continue;
      absl::MutexLock lock(&mutex);
      error.Update(std::move(status));
    }
  });
  return error;
}

template <typename T>
absl::Status Multiply(Before before, bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k,
                      const T* a, const T* b, T* c, CPUContext* context) {
  if (m == 0 || n == 0) return absl::OkStatus();
  if (std::is_same_v<T, double> || k == 0 || WorkUpTo(kTinyWork, m, n, k) < kTinyWork) {
    const int64_t row_work = WorkUpTo(kThreadWork, 1, n, std::max<int64_t>(k, 1));
    ParallelFor(m, kThreadWork / row_work, [&](int64_t begin, int64_t end) {
      PlainRows(before, trans_a, trans_b, begin, end, m, n, k, a, b, c);
    });
    return absl::OkStatus();
  }
  if constexpr (std::is_same_v<T, float>) {
    // Few rows: measured to be up to three times as fast as sgemm.
    if (m == 1 && !trans_b && before == Before::kReplaced) {
      VectorTimesMatrix(a, b, k, n, c, context);
      return absl::OkStatus();
    }
    if (m <= kMostFewRows) {
      MultiplyFewRows({a, trans_a ? m : k, trans_a}, {b, trans_b ? k : n, trans_b}, m, n, k,
                      {before == Before::kAddedTo}, c, n);
      return absl::OkStatus();
    }
    return BlockedSgemm(before, trans_a, trans_b, m, n, k, a, b, c);
  } else {
    return absl::OkStatus();
  }
}

}  // namespace

template <typename T>
absl::Status Gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, const T* a,
                  const T* b, T* c, CPUContext* context) {
  return Multiply(Before::kReplaced, trans_a, trans_b, m, n, k, a, b, c, context);
}

template <typename T>
absl::Status GemmAdd(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, const T* a,
                     const T* b, T* c, CPUContext* context) {
  return Multiply(Before::kAddedTo, trans_a, trans_b, m, n, k, a, b, c, context);
}

#define DOPPIO_INSTANTIATE(T)                                                                     \
  template absl::Status Gemm<T>(bool, bool, int64_t, int64_t, int64_t, const T*, const T*, T*,    \
                                CPUContext*);                                                     \
  template absl::Status GemmAdd<T>(bool, bool, int64_t, int64_t, int64_t, const T*, const T*, T*, \
                                   CPUContext*)
DOPPIO_INSTANTIATE(float);
DOPPIO_INSTANTIATE(double);
#undef DOPPIO_INSTANTIATE

int64_t GemmMultiplyAdds(int64_t m, int64_t n, int64_t k) {
  return WorkUpTo(std::numeric_limits<int64_t>::max() / 8, m, n, k);
}

}  // namespace doppio
