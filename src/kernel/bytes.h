#ifndef DOPPIO_KERNEL_BYTES_H_
#define DOPPIO_KERNEL_BYTES_H_

// Copies and fills by vectors, on the calling thread. Nothing needs to be aligned; sources and
// destinations must not overlap.

#include <cstddef>
#include <cstdint>

namespace doppio {

// Streaming stores go past the caches. They save reading every line before it is overwritten: a
// copy becomes up to twice as fast where the destination does not fit into the caches anyway, and
// as much slower where it does. After them, call FlushStores() before another thread may look.
enum class Stores { kCached, kStreaming };

// For a destination of this many bytes in all.
inline Stores StoresFor(int64_t bytes) {
  constexpr int64_t kBeyondCaches = int64_t{32} << 20;
  return bytes >= kBeyondCaches ? Stores::kStreaming : Stores::kCached;
}
void FlushStores(Stores stores);

// Bytes of output that are worth a thread of their own.
inline constexpr int64_t kGrainBytes = 256 << 10;

void CopyBytes(const void* src, void* dst, int64_t bytes, Stores stores);

// `count` copies of the `row_bytes` bytes at `row`, one after the other.
void RepeatRow(const void* row, int64_t row_bytes, void* dst, int64_t count, Stores stores);

// Each of `count` elements of 1, 2, 4 or 8 bytes, `repeat` times in a row.
void RepeatElements(size_t element_size, const void* src, int64_t count, int64_t repeat, void* dst,
                    Stores stores);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_BYTES_H_
