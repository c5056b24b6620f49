#include "src/dnn/channel_slice.h"

#include "src/dnn/channel_layout.h"

namespace doppio {
namespace {

constexpr int kSlot = 2;  // of DnnlScratch

}  // namespace

dnnl::memory::desc ChannelSlice::Wanted(const dnnl::memory::desc& part,
                                        const dnnl::memory::desc& whole) const {
  const ChannelLayout* layout = whole.is_zero() ? nullptr : ChannelLayoutOf(whole);
  if (layout == nullptr || layout->group == 1) return DnnlAnyLayout(part);
  const dnnl::memory::desc same = WithLayout(part.dims(), *layout);
  return Offset(same, whole, first_channel_) < 0 ? DnnlAnyLayout(part) : same;
}

absl::Status ChannelSlice::Init(const dnnl::memory::desc& part, const dnnl::memory::desc& whole) {
  dnnl::memory::dims dims = part.dims();
  if (first_channel_ < 0 || dims[1] > into_channels_ - first_channel_) {
    return absl::InvalidArgumentError(absl::StrCat(dims[1], " channels from channel ",
                                                   first_channel_, " on do not fit into ",
                                                   into_channels_));
  }
  const dnnl::memory::dims sizes = dims;
  dims[1] = into_channels_;
  if (whole.is_zero()) {
    const ChannelLayout* layout = ChannelLayoutOf(part);
    whole_ = WithLayout(dims, layout != nullptr ? *layout : RowMajorLayout());
  } else {
    whole_ = whole;
  }
  if (whole_.dims() != dims) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the larger tensor is ", ShapeToString(whole_.dims()), ", must be ", ShapeToString(dims)));
  }
  offset_ = Offset(part, whole_, first_channel_);
  if (offset_ >= 0) return absl::OkStatus();
  dnnl::memory::dims begin(dims.size(), 0);
  begin[1] = first_channel_;
  return copy_.InitOutput(whole_.submemory_desc(sizes, begin), part, kSlot);
}

absl::StatusOr<void*> ChannelSlice::Target(void* whole) {
  if (offset_ >= 0) return static_cast<char*>(whole) + offset_;
  return copy_.Target(whole);
}

absl::Status ChannelSlice::Finish(void* whole) {
  return offset_ >= 0 ? absl::OkStatus() : copy_.Write(whole);
}

int64_t ChannelSlice::Offset(const dnnl::memory::desc& part, const dnnl::memory::desc& whole,
                             int64_t first_channel) {
  const ChannelLayout* layout = ChannelLayoutOf(whole);
  if (layout == nullptr || whole.dims()[0] != 1 || part != WithLayout(part.dims(), *layout)) {
    return -1;
  }
  if (first_channel % layout->group != 0 || part.dims()[1] % layout->group != 0) return -1;
  return first_channel * SizeFromDim(part.dims(), 2) * static_cast<int64_t>(sizeof(float));
}

}  // namespace doppio
