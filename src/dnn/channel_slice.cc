#include "src/dnn/channel_slice.h"

#include "src/dnn/channel_layout.h"

namespace doppio {
namespace {

constexpr int kSlot = 2;  // of DnnlScratch

// Bytes before the part in the larger tensor, or -1 where it does not lie in one piece.
int64_t Offset(const dnnl::memory::desc& part, const dnnl::memory::desc& whole,
               int64_t first_channel) {
  const ChannelLayout* layout = ChannelLayoutOf(whole);
  if (layout == nullptr || whole.dims()[0] != 1 || part != WithLayout(part.dims(), *layout)) {
    return -1;
  }
  if (first_channel % layout->group != 0 || part.dims()[1] % layout->group != 0) return -1;
  return first_channel * SizeFromDim(part.dims(), 2) * static_cast<int64_t>(sizeof(float));
}

// The part's layout in its place.
dnnl::memory::desc Place(const dnnl::memory::desc& part, const dnnl::memory::desc& whole,
                         int64_t first_channel) {
  dnnl::memory::dims begin(part.dims().size(), 0);
  begin[1] = first_channel;
  return whole.submemory_desc(part.dims(), begin);
}

absl::Status CheckChannels(int64_t first_channel, int64_t channels, int64_t whole) {
  if (first_channel >= 0 && channels <= whole - first_channel) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(channels, " channels from channel ", first_channel,
                                                 " on do not fit into ", whole));
}

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
  DOPPIO_RETURN_IF_ERROR(CheckChannels(first_channel_, dims[1], into_channels_));
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
  return copy_.InitOutput(Place(part, whole_, first_channel_), part, kSlot);
}

absl::StatusOr<void*> ChannelSlice::Target(void* whole) {
  if (offset_ >= 0) return static_cast<char*>(whole) + offset_;
  return copy_.Target(whole);
}

absl::Status ChannelSlice::Finish(void* whole) {
  return offset_ >= 0 ? absl::OkStatus() : copy_.Write(whole);
}

absl::Status InputSlice::Init(const dnnl::memory::desc& whole) {
  dnnl::memory::dims dims = whole.dims();
  if (dims.size() < 3 || dims.size() > 5) {
    return absl::InvalidArgumentError(
        absl::StrCat("channels are read of ", ShapeToString(dims), ", which is no image"));
  }
  DOPPIO_RETURN_IF_ERROR(CheckChannels(first_channel_, channels_, dims[1]));
  dims[1] = channels_;
  const ChannelLayout* layout = ChannelLayoutOf(whole);
  part_ = WithLayout(dims, layout != nullptr ? *layout : RowMajorLayout());
  offset_ = Offset(part_, whole, first_channel_);
  if (offset_ >= 0) return absl::OkStatus();
  place_ = Place(part_, whole, first_channel_);
  reorder_.Reset();
  return absl::OkStatus();
}

absl::StatusOr<const void*> InputSlice::Read(const void* whole) {
  if (offset_ >= 0) return static_cast<const char*>(whole) + offset_;
  if (part_.get_size() == 0) return whole;  // oneDNN would divide by 0
  if (!reorder_.IsFor({})) {
    DOPPIO_RETURN_IF_ERROR(CallDnnl([&] {
      const dnnl::reorder::primitive_desc copy(DnnlEngine(), place_, DnnlEngine(), part_,
                                               DnnlAttributes());
      return reorder_.Init(copy, {{DNNL_ARG_FROM, place_}, {DNNL_ARG_TO, part_}});
    }));
  }
  DOPPIO_RETURN_IF_ERROR(copy_.Resize(part_));
  reorder_.Bind(0, whole);
  reorder_.Bind(1, copy_.mutable_data());
  DOPPIO_RETURN_IF_ERROR(reorder_.Execute());
  return copy_.data();
}

}  // namespace doppio
