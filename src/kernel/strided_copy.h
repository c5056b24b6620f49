#ifndef DOPPIO_KERNEL_STRIDED_COPY_H_
#define DOPPIO_KERNEL_STRIDED_COPY_H_

// Copies between a tensor and a part of another: what Concat, Split and Slice are made of.
// Source and destination must not overlap.

#include <cstddef>
#include <cstdint>
#include <string>

#include "doppio/context.h"
#include "doppio/shape.h"

namespace doppio {

// Copies `count` blocks; block i is at i * stride from the first one. Sizes and strides are bytes.
void CopyBlocks(const void* src, int64_t src_stride_bytes, void* dst, int64_t dst_stride_bytes,
                int64_t block_bytes, int64_t count, CPUContext* context);

// The same with sizes and strides in elements.
void CopyBlocks(const std::string* src, int64_t src_stride, std::string* dst, int64_t dst_stride,
                int64_t block, int64_t count, CPUContext* context);

// y, of the shape `sizes`, becomes the box of x that begins at `starts`: starts[i] + sizes[i] is at
// most x_dims[i]. `element_size` is in bytes.
void CopyBox(size_t element_size, const void* x, DimsView x_dims, DimsView starts, DimsView sizes,
             void* y, CPUContext* context);
void CopyBox(const std::string* x, DimsView x_dims, DimsView starts, DimsView sizes, std::string* y,
             CPUContext* context);

// The reverse of CopyBox: the box of x that begins at `starts` becomes y, of the shape `sizes`, and
// all other bytes of x become zero.
void ScatterBox(size_t element_size, const void* y, DimsView sizes, DimsView starts, void* x,
                DimsView x_dims, CPUContext* context);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_STRIDED_COPY_H_
