#ifndef DOPPIO_DNN_CHANNEL_LAYOUT_H_
#define DOPPIO_DNN_CHANNEL_LAYOUT_H_

// oneDNN's layouts of [N, C, spatial...] that are stored as [N, C / group, pixels, group]:
// row-major ones (group 1), and those of its convolutions (8, 16), where C is rounded up.

#include <array>
#include <cstdint>

#include "src/dnn/onednn.h"

namespace doppio {

struct ChannelLayout {
  int64_t group;
  std::array<dnnl::memory::format_tag, 3> tags;  // for 1, 2 and 3 spatial dimensions
};

const ChannelLayout& RowMajorLayout();

// The layout of `desc`, or null where it is another one.
const ChannelLayout* ChannelLayoutOf(const dnnl::memory::desc& desc);

// A float tensor of one to three spatial dimensions in that layout.
dnnl::memory::desc WithLayout(const dnnl::memory::dims& dims, const ChannelLayout& layout);

// The same in blocks of so many channels, 8 or 16.
dnnl::memory::desc BlockedBy(const dnnl::memory::dims& dims, int64_t group);

}  // namespace doppio

#endif  // DOPPIO_DNN_CHANNEL_LAYOUT_H_
