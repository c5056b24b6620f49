#include "src/dnn/channel_layout.h"

namespace doppio {
namespace {

using Tag = dnnl::memory::format_tag;

constexpr std::array<ChannelLayout, 3> kLayouts = {
    {{16, {Tag::aBc16b, Tag::aBcd16b, Tag::aBcde16b}},
     {8, {Tag::aBc8b, Tag::aBcd8b, Tag::aBcde8b}},
     {1, {Tag::abc, Tag::abcd, Tag::abcde}}}};

}  // namespace

const ChannelLayout& RowMajorLayout() { return kLayouts.back(); }

const ChannelLayout* ChannelLayoutOf(const dnnl::memory::desc& desc) {
  const size_t rank = desc.dims().size();
  if (rank < 3 || rank > 5) return nullptr;
  for (const ChannelLayout& layout : kLayouts) {
    if (desc == WithLayout(desc.dims(), layout)) return &layout;
  }
  return nullptr;
}

dnnl::memory::desc WithLayout(const dnnl::memory::dims& dims, const ChannelLayout& layout) {
  return {dims, dnnl::memory::data_type::f32, layout.tags[dims.size() - 3]};
}

dnnl::memory::desc BlockedBy(const dnnl::memory::dims& dims, int64_t group) {
  return WithLayout(dims, group == kLayouts[0].group ? kLayouts[0] : kLayouts[1]);
}

}  // namespace doppio
