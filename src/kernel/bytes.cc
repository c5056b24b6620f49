#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernel/bytes.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include <algorithm>
#include <cstring>
#include <numeric>
#include <type_traits>

#include "hwy/cache_control.h"
#include "hwy/highway.h"
#include "src/kernel/bytes.h"

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

constexpr int64_t kVector = HWY_HAVE_SCALABLE ? 16 : HWY_LANES(uint8_t);
using Bytes = hn::FixedTag<uint8_t, kVector>;

constexpr int64_t kLine = 64;

// At least one vector; the last store overlaps what lies before it.
HWY_INLINE void CopyVectors(const uint8_t* src, uint8_t* dst, int64_t bytes) {
  const Bytes d;
  const hn::Vec<Bytes> last = hn::LoadU(d, src + bytes - kVector);
  int64_t i = 0;
  for (; i + 4 * kVector <= bytes; i += 4 * kVector) {
    const hn::Vec<Bytes> v0 = hn::LoadU(d, src + i);
    const hn::Vec<Bytes> v1 = hn::LoadU(d, src + i + kVector);
    const hn::Vec<Bytes> v2 = hn::LoadU(d, src + i + 2 * kVector);
    const hn::Vec<Bytes> v3 = hn::LoadU(d, src + i + 3 * kVector);
    hn::StoreU(v0, d, dst + i);
    hn::StoreU(v1, d, dst + i + kVector);
    hn::StoreU(v2, d, dst + i + 2 * kVector);
    hn::StoreU(v3, d, dst + i + 3 * kVector);
  }
  for (; i + kVector <= bytes; i += kVector) hn::StoreU(hn::LoadU(d, src + i), d, dst + i);
  if (i < bytes) hn::StoreU(last, d, dst + bytes - kVector);
}

// By streaming stores, which fill whole lines of the cache: one that is written in both ways costs
// many times as much. What is less than a line, at both ends, goes the usual way.
HWY_INLINE void StreamLines(const uint8_t* src, uint8_t* dst, int64_t bytes) {
  const Bytes d;
  const int64_t head =
      std::min(bytes, static_cast<int64_t>(-reinterpret_cast<uintptr_t>(dst) & (kLine - 1)));
  std::memcpy(dst, src, head);
  int64_t i = head;
  for (; i + kLine <= bytes; i += kLine) {
    for (int64_t j = 0; j < kLine; j += kVector) {
      hn::Stream(hn::LoadU(d, src + i + j), d, dst + i + j);
    }
  }
  std::memcpy(dst + i, src + i, bytes - i);
}

void CopyBytesImpl(const uint8_t* src, uint8_t* dst, int64_t bytes, bool stream) {
  if (bytes < 4 * kVector) {
    std::memcpy(dst, src, bytes);
  } else if (stream) {
    StreamLines(src, dst, bytes);
  } else {
    CopyVectors(src, dst, bytes);
  }
}

// `bytes` of rows to dst. Doubling what is there makes a longer row of it.
HWY_INLINE void DoubleRow(const uint8_t* row, int64_t row_bytes, uint8_t* dst, int64_t bytes) {
  std::memcpy(dst, row, row_bytes);
  for (int64_t done = row_bytes; done < bytes; done *= 2) {
    std::memcpy(dst + done, dst, std::min(done, bytes - done));
  }
}

void RepeatRowImpl(const uint8_t* row, int64_t row_bytes, uint8_t* dst, int64_t count,
                   bool stream) {
  constexpr int64_t kShort = 256;
  constexpr int64_t kBlock = 2048;
  constexpr int64_t kMostLines = 16 << 10;
  const int64_t total = row_bytes * count;
  // Several rows that make whole lines.
  const int64_t lines = row_bytes * (kLine / std::gcd(row_bytes, kLine));
  if (stream && (row_bytes < kShort || row_bytes % kLine != 0) && lines <= kMostLines) {
    HWY_ALIGN uint8_t block[kMostLines + kBlock];
    const int64_t size = std::min(total, (kBlock + lines - 1) / lines * lines);
    if (size > 0) DoubleRow(row, row_bytes, block, size);
    for (int64_t done = 0; done < total; done += size) {
      StreamLines(block, dst + done, std::min(size, total - done));
    }
  } else if (row_bytes < kShort && count > 1) {
    const int64_t size = std::min(total, kBlock / row_bytes * row_bytes);
    DoubleRow(row, row_bytes, dst, size);
    int64_t done = size;
    for (; done + size <= total; done += size) CopyBytesImpl(dst, dst + done, size, false);
    std::memcpy(dst + done, dst, total - done);
  } else {
    for (int64_t i = 0; i < count; ++i) {
      CopyBytesImpl(row, dst + i * row_bytes, row_bytes, stream);
    }
  }
}

// One element, `count` times; at least a vector of them. Streaming is no faster where nothing is
// read.
template <typename T>
HWY_INLINE void FillVectors(T element, uint8_t* dst, int64_t count) {
  const Bytes d;
  const int64_t bytes = count * static_cast<int64_t>(sizeof(T));
  const hn::Vec<Bytes> value = hn::BitCast(d, hn::Set(hn::Repartition<T, Bytes>(), element));
  int64_t i = 0;
  for (; i + 4 * kVector <= bytes; i += 4 * kVector) {
    hn::StoreU(value, d, dst + i);
    hn::StoreU(value, d, dst + i + kVector);
    hn::StoreU(value, d, dst + i + 2 * kVector);
    hn::StoreU(value, d, dst + i + 3 * kVector);
  }
  for (; i + kVector <= bytes; i += kVector) hn::StoreU(value, d, dst + i);
  if (i < bytes) hn::StoreU(value, d, dst + bytes - kVector);
}

// Elements that several vectors of them have room for, each chosen from one that is loaded. Returns
// how many of them are done; the last ones are not.
template <typename T>
HWY_INLINE int64_t RepeatLanes(const uint8_t* src, int64_t count, int64_t repeat, uint8_t* dst) {
  constexpr int64_t kLanes = kVector / static_cast<int64_t>(sizeof(T));
  int64_t i = 0;
  if constexpr (kVector >= 16 && sizeof(T) >= 4) {
    if (repeat >= kLanes) return 0;
    using Index = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;
    const hn::Repartition<T, Bytes> d;
    HWY_ALIGN Index indices[kLanes * kLanes];
    for (int64_t j = 0; j < repeat * kLanes; ++j) indices[j] = static_cast<Index>(j / repeat);
    for (; i + kLanes <= count; i += kLanes) {
      const auto elements = hn::BitCast(d, hn::LoadU(Bytes(), src + i * sizeof(T)));
      uint8_t* out = dst + i * repeat * sizeof(T);
      for (int64_t j = 0; j < repeat; ++j) {
        const auto chosen = hn::SetTableIndices(d, indices + j * kLanes);
        const auto vector = hn::BitCast(Bytes(), hn::TableLookupLanes(elements, chosen));
        hn::StoreU(vector, Bytes(), out + j * kVector);
      }
    }
  }
  return i;
}

template <typename T>
void RepeatElementsTyped(const uint8_t* src, int64_t count, int64_t repeat, uint8_t* dst) {
  const hn::Repartition<T, Bytes> dt;
  const Bytes d;
  const int64_t run = repeat * static_cast<int64_t>(sizeof(T));
  int64_t i = RepeatLanes<T>(src, count, repeat, dst);
  if (kVector < 16) {  // no vectors at all
    for (int64_t j = 0; j < count * repeat; ++j) {
      std::memcpy(dst + j * sizeof(T), src + j / repeat * sizeof(T), sizeof(T));
    }
    return;
  }
  if (run < 4 * kVector) {
    // Whole vectors, of which the next element overwrites what is too much; not at the end.
    const int64_t padded = (run + kVector - 1) / kVector * kVector;
    const int64_t spare = count * run - padded;
    const int64_t whole = spare < 0 ? 0 : spare / run + 1;
    for (; i < whole; ++i) {
      T element;
      std::memcpy(&element, src + i * sizeof(T), sizeof(T));
      const hn::Vec<Bytes> value = hn::BitCast(d, hn::Set(dt, element));
      uint8_t* out = dst + i * run;
      for (int64_t j = 0; j < run; j += kVector) hn::StoreU(value, d, out + j);
    }
  }
  for (; i < count; ++i) {
    T element;
    std::memcpy(&element, src + i * sizeof(T), sizeof(T));
    uint8_t* out = dst + i * run;
    if (run < kVector) {
      for (int64_t j = 0; j < repeat; ++j) std::memcpy(out + j * sizeof(T), &element, sizeof(T));
    } else {
      FillVectors(element, out, repeat);
    }
  }
}

// Runs of less than a vector are put together in the cache.
template <typename T>
void StreamElements(const uint8_t* src, int64_t count, int64_t repeat, uint8_t* dst) {
  constexpr int64_t kColumns = 4 * kVector;
  HWY_ALIGN uint8_t lines[kLine * kColumns];
  const int64_t run = repeat * static_cast<int64_t>(sizeof(T));
  int64_t i = 0;
  if (run < kVector) {
    const int64_t piece = kLine * (kColumns / run);  // whole lines
    for (; i + piece <= count; i += piece) {
      RepeatElementsTyped<T>(src + i * sizeof(T), piece, repeat, lines);
      StreamLines(lines, dst + i * run, piece * run);
    }
  }
  RepeatElementsTyped<T>(src + i * sizeof(T), count - i, repeat, dst + i * run);
}

template <typename T>
void RepeatElementsOf(const uint8_t* src, int64_t count, int64_t repeat, uint8_t* dst,
                      bool stream) {
  if (stream) {
    StreamElements<T>(src, count, repeat, dst);
  } else {
    RepeatElementsTyped<T>(src, count, repeat, dst);
  }
}

void RepeatElementsImpl(size_t element_size, const uint8_t* src, int64_t count, int64_t repeat,
                        uint8_t* dst, bool stream) {
  switch (element_size) {
    case 1:
      return RepeatElementsOf<uint8_t>(src, count, repeat, dst, stream);
    case 2:
      return RepeatElementsOf<uint16_t>(src, count, repeat, dst, stream);
    case 4:
      return RepeatElementsOf<uint32_t>(src, count, repeat, dst, stream);
    default:
      return RepeatElementsOf<uint64_t>(src, count, repeat, dst, stream);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio {

HWY_EXPORT(CopyBytesImpl);
HWY_EXPORT(RepeatRowImpl);
HWY_EXPORT(RepeatElementsImpl);

void FlushStores(Stores stores) {
  if (stores == Stores::kStreaming) hwy::FlushStream();
}

void CopyBytes(const void* src, void* dst, int64_t bytes, Stores stores) {
  HWY_DYNAMIC_DISPATCH(CopyBytesImpl)
  (static_cast<const uint8_t*>(src), static_cast<uint8_t*>(dst), bytes,
   stores == Stores::kStreaming);
}

void RepeatRow(const void* row, int64_t row_bytes, void* dst, int64_t count, Stores stores) {
  HWY_DYNAMIC_DISPATCH(RepeatRowImpl)
  (static_cast<const uint8_t*>(row), row_bytes, static_cast<uint8_t*>(dst), count,
   stores == Stores::kStreaming);
}

void RepeatElements(size_t element_size, const void* src, int64_t count, int64_t repeat, void* dst,
                    Stores stores) {
  HWY_DYNAMIC_DISPATCH(RepeatElementsImpl)
  (element_size, static_cast<const uint8_t*>(src), count, repeat, static_cast<uint8_t*>(dst),
   stores == Stores::kStreaming);
}

}  // namespace doppio
#endif  // HWY_ONCE
