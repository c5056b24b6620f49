#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernel/bytes.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include <algorithm>
#include <cstring>

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

int64_t BytesToAlignment(const uint8_t* dst) {
  return static_cast<int64_t>(-reinterpret_cast<uintptr_t>(dst) & (kVector - 1));
}

template <bool kStream>
HWY_INLINE void Put(hn::Vec<Bytes> value, uint8_t* dst) {
  const Bytes d;
  if constexpr (kStream) {
    hn::Stream(value, d, dst);
  } else {
    hn::StoreU(value, d, dst);
  }
}

// At least one vector; the last store overlaps what lies before it. With streaming stores the whole
// vectors in between are aligned.
template <bool kStream>
HWY_INLINE void CopyVectors(const uint8_t* src, uint8_t* dst, int64_t bytes) {
  const Bytes d;
  const hn::Vec<Bytes> last = hn::LoadU(d, src + bytes - kVector);
  int64_t i = 0;
  if (kStream && BytesToAlignment(dst) != 0) {
    hn::StoreU(hn::LoadU(d, src), d, dst);
    i = BytesToAlignment(dst);
  }
  for (; i + 4 * kVector <= bytes; i += 4 * kVector) {
    const hn::Vec<Bytes> v0 = hn::LoadU(d, src + i);
    const hn::Vec<Bytes> v1 = hn::LoadU(d, src + i + kVector);
    const hn::Vec<Bytes> v2 = hn::LoadU(d, src + i + 2 * kVector);
    const hn::Vec<Bytes> v3 = hn::LoadU(d, src + i + 3 * kVector);
    Put<kStream>(v0, dst + i);
    Put<kStream>(v1, dst + i + kVector);
    Put<kStream>(v2, dst + i + 2 * kVector);
    Put<kStream>(v3, dst + i + 3 * kVector);
  }
  for (; i + kVector <= bytes; i += kVector) Put<kStream>(hn::LoadU(d, src + i), dst + i);
  if (i < bytes) hn::StoreU(last, d, dst + bytes - kVector);
}

void CopyBytesImpl(const uint8_t* src, uint8_t* dst, int64_t bytes, bool stream) {
  if (bytes < 4 * kVector) {
    std::memcpy(dst, src, bytes);
  } else if (stream) {
    CopyVectors<true>(src, dst, bytes);
  } else {
    CopyVectors<false>(src, dst, bytes);
  }
}

void RepeatRowImpl(const uint8_t* row, int64_t row_bytes, uint8_t* dst, int64_t count,
                   bool stream) {
  constexpr int64_t kShort = 256;
  constexpr int64_t kBlock = 2048;
  if (row_bytes < kShort && count > 1) {
    // Doubling what is written makes a longer row of it, which then is the source.
    const int64_t total = row_bytes * count;
    const int64_t block = std::min(total, kBlock / row_bytes * row_bytes);
    std::memcpy(dst, row, row_bytes);
    for (int64_t done = row_bytes; done < block; done *= 2) {
      std::memcpy(dst + done, dst, std::min(done, block - done));
    }
    int64_t done = block;
    for (; done + block <= total; done += block) CopyBytesImpl(dst, dst + done, block, stream);
    std::memcpy(dst + done, dst, total - done);
    return;
  }
  for (int64_t i = 0; i < count; ++i) {
    CopyBytesImpl(row, dst + i * row_bytes, row_bytes, stream);
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

template <typename T>
void RepeatElementsTyped(const uint8_t* src, int64_t count, int64_t repeat, uint8_t* dst) {
  const hn::Repartition<T, Bytes> dt;
  const Bytes d;
  const int64_t run = repeat * static_cast<int64_t>(sizeof(T));
  int64_t i = 0;
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

void RepeatElementsImpl(size_t element_size, const uint8_t* src, int64_t count, int64_t repeat,
                        uint8_t* dst) {
  switch (element_size) {
    case 1:
      return RepeatElementsTyped<uint8_t>(src, count, repeat, dst);
    case 2:
      return RepeatElementsTyped<uint16_t>(src, count, repeat, dst);
    case 4:
      return RepeatElementsTyped<uint32_t>(src, count, repeat, dst);
    default:
      return RepeatElementsTyped<uint64_t>(src, count, repeat, dst);
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

void RepeatElements(size_t element_size, const void* src, int64_t count, int64_t repeat,
                    void* dst) {
  HWY_DYNAMIC_DISPATCH(RepeatElementsImpl)
  (element_size, static_cast<const uint8_t*>(src), count, repeat, static_cast<uint8_t*>(dst));
}

}  // namespace doppio
#endif  // HWY_ONCE
