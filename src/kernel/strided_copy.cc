#include "src/kernel/strided_copy.h"

#include <algorithm>
#include <cstring>

#include "doppio/parallel.h"
#include "src/kernel/bytes.h"
#include "src/kernel/coalesce.h"

namespace doppio {
namespace {

int64_t GrainFor(int64_t bytes_per_item) {
  return std::max<int64_t>(1, kGrainBytes / std::max<int64_t>(1, bytes_per_item));
}

// A compile-time size turns memcpy into one or two instructions.
template <int64_t kBytes>
void CopySmall(const char* src, int64_t src_stride, char* dst, int64_t dst_stride, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    std::memcpy(dst + i * dst_stride, src + i * src_stride, kBytes);
  }
}

void CopySerial(const char* src, int64_t src_stride, char* dst, int64_t dst_stride, int64_t block,
                int64_t count, Stores stores) {
  switch (block) {
    case 1:
      return CopySmall<1>(src, src_stride, dst, dst_stride, count);
    case 2:
      return CopySmall<2>(src, src_stride, dst, dst_stride, count);
    case 4:
      return CopySmall<4>(src, src_stride, dst, dst_stride, count);
    case 8:
      return CopySmall<8>(src, src_stride, dst, dst_stride, count);
    case 12:
      return CopySmall<12>(src, src_stride, dst, dst_stride, count);
    case 16:
      return CopySmall<16>(src, src_stride, dst, dst_stride, count);
    case 32:
      return CopySmall<32>(src, src_stride, dst, dst_stride, count);
    default:
      for (int64_t i = 0; i < count; ++i) {
        CopyBytes(src + i * src_stride, dst + i * dst_stride, block, stores);
      }
  }
}

// The loops over a box of a tensor: contiguous runs of `block` elements, `count` of them at
// `stride` from one another, and around them loops along which the box does not lie together.
using Sizes = absl::InlinedVector<int64_t, kMaxRank>;
struct BoxLoops {
  int64_t offset = 0;  // of the first element
  int64_t block = 1;
  Sizes sizes;    // outermost first
  Sizes strides;  // in the tensor; in the box itself the runs follow one another
};

BoxLoops CoalesceBox(DimsView dims, DimsView starts, DimsView sizes) {
  BoxLoops loops;
  int64_t run = 1;  // the stride of the dimension at hand
  for (size_t i = dims.size(); i-- > 0;) {
    loops.offset += starts[i] * run;
    if (loops.sizes.empty() && run == loops.block) {
      loops.block *= sizes[i];  // everything inside is taken whole
    } else if (sizes[i] != 1) {
      loops.sizes.push_back(sizes[i]);
      loops.strides.push_back(run);
    }
    run *= dims[i];
  }
  std::reverse(loops.sizes.begin(), loops.sizes.end());
  std::reverse(loops.strides.begin(), loops.strides.end());
  return loops;
}

// Calls copy(offset in the tensor, offset in the box, stride in the tensor, count) for each group
// of runs.
template <typename Copy>
void ForEachGroup(const BoxLoops& loops, const Copy& copy) {
  const int64_t outer_rank = static_cast<int64_t>(loops.sizes.size()) - 1;
  if (outer_rank < 0) return copy(loops.offset, 0, loops.block, 1);
  const int64_t count = loops.sizes[outer_rank];
  const int64_t stride = loops.strides[outer_rank];
  Sizes index(outer_rank, 0);
  int64_t offset = loops.offset;
  for (int64_t box_offset = 0;; box_offset += count * loops.block) {
    copy(offset, box_offset, stride, count);
    int64_t axis = outer_rank - 1;
    for (; axis >= 0; --axis) {
      offset += loops.strides[axis];
      if (++index[axis] < loops.sizes[axis]) break;
      offset -= loops.sizes[axis] * loops.strides[axis];
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}

}  // namespace

void CopyBlocks(const void* src, int64_t src_stride_bytes, void* dst, int64_t dst_stride_bytes,
                int64_t block_bytes, int64_t count, CPUContext*) {
  if (count <= 0 || block_bytes <= 0) return;
  const char* from = static_cast<const char*>(src);
  char* to = static_cast<char*>(dst);
  const Stores stores = block_bytes >= 512 ? StoresFor(block_bytes * count) : Stores::kCached;
  if (count == 1 || (src_stride_bytes == block_bytes && dst_stride_bytes == block_bytes)) {
    ParallelFor(count * block_bytes, kGrainBytes, [&](int64_t begin, int64_t end) {
      CopyBytes(from + begin, to + begin, end - begin, stores);
      FlushStores(stores);
    });
    return;
  }
  ParallelFor(count, GrainFor(block_bytes), [&](int64_t begin, int64_t end) {
    CopySerial(from + begin * src_stride_bytes, src_stride_bytes, to + begin * dst_stride_bytes,
               dst_stride_bytes, block_bytes, end - begin, stores);
    FlushStores(stores);
  });
}

void CopyBlocks(const std::string* src, int64_t src_stride, std::string* dst, int64_t dst_stride,
                int64_t block, int64_t count, CPUContext*) {
  for (int64_t i = 0; i < count; ++i) {
    std::copy_n(src + i * src_stride, block, dst + i * dst_stride);
  }
}

void CopyBox(size_t element_size, const void* x, DimsView x_dims, DimsView starts, DimsView sizes,
             void* y, CPUContext* context) {
  if (CountElements(sizes) == 0) return;
  const BoxLoops loops = CoalesceBox(x_dims, starts, sizes);
  const int64_t size = static_cast<int64_t>(element_size);
  ForEachGroup(loops, [&](int64_t offset, int64_t box_offset, int64_t stride, int64_t count) {
    CopyBlocks(static_cast<const char*>(x) + offset * size, stride * size,
               static_cast<char*>(y) + box_offset * size, loops.block * size, loops.block * size,
               count, context);
  });
}

void CopyBox(const std::string* x, DimsView x_dims, DimsView starts, DimsView sizes, std::string* y,
             CPUContext* context) {
  if (CountElements(sizes) == 0) return;
  const BoxLoops loops = CoalesceBox(x_dims, starts, sizes);
  ForEachGroup(loops, [&](int64_t offset, int64_t box_offset, int64_t stride, int64_t count) {
    CopyBlocks(x + offset, stride, y + box_offset, loops.block, loops.block, count, context);
  });
}

void ScatterBox(size_t element_size, const void* y, DimsView sizes, DimsView starts, void* x,
                DimsView x_dims, CPUContext* context) {
  const int64_t size = static_cast<int64_t>(element_size);
  ParallelFor(CountElements(x_dims) * size, kGrainBytes, [&](int64_t begin, int64_t end) {
    std::memset(static_cast<char*>(x) + begin, 0, end - begin);
  });
  if (CountElements(sizes) == 0) return;
  const BoxLoops loops = CoalesceBox(x_dims, starts, sizes);
  ForEachGroup(loops, [&](int64_t offset, int64_t box_offset, int64_t stride, int64_t count) {
    CopyBlocks(static_cast<const char*>(y) + box_offset * size, loops.block * size,
               static_cast<char*>(x) + offset * size, stride * size, loops.block * size, count,
               context);
  });
}

}  // namespace doppio
