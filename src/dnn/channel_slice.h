#ifndef DOPPIO_DNN_CHANNEL_SLICE_H_
#define DOPPIO_DNN_CHANNEL_SLICE_H_

// Some channels of a larger tensor: where a result goes that is a part of it, and what is read of
// it. So nothing is left to do for a Concat.

#include <cstdint>

#include "src/dnn/blocked_tensor.h"
#include "src/dnn/onednn.h"
#include "src/dnn/operand.h"

namespace doppio {

class ChannelSlice {  // that is written
 public:
  // Of a tensor of `into_channels`, or 0 where the result is no part of anything, the channels from
  // `first_channel` on. `continues`: other parts have been written before.
  ChannelSlice(int64_t into_channels, int64_t first_channel, bool continues)
      : into_channels_(into_channels), first_channel_(first_channel), continues_(continues) {}

  bool is_part() const { return into_channels_ > 0; }
  bool continues() const { return continues_; }

  // The layout that the part should have: that of `whole`, where such a part lies in one piece;
  // else any. `part` has the dimensions of the part.
  dnnl::memory::desc Wanted(const dnnl::memory::desc& part, const dnnl::memory::desc& whole) const;

  // From now on the part is laid out as `part`. `whole` is the layout of the larger tensor, or zero
  // where this is its first part, which chooses it. To be called inside CallDnnl.
  absl::Status Init(const dnnl::memory::desc& part, const dnnl::memory::desc& whole);
  // The layout of the larger tensor.
  const dnnl::memory::desc& whole() const { return whole_; }

  // Where to write the part of the larger tensor at `whole`; then Finish(whole) puts it there.
  absl::StatusOr<void*> Target(void* whole);
  absl::Status Finish(void* whole);

 private:
  const int64_t into_channels_;
  const int64_t first_channel_;
  const bool continues_;
  dnnl::memory::desc whole_;
  int64_t offset_ = -1;
  DnnlOperand copy_;
};

// That is read: in its place where it lies in one piece, else as a copy.
class InputSlice {
 public:
  InputSlice(int64_t first_channel, int64_t channels)
      : first_channel_(first_channel), channels_(channels) {}

  // From now on the larger tensor is laid out as `whole`. To be called inside CallDnnl.
  absl::Status Init(const dnnl::memory::desc& whole);
  // The layout of what Read returns.
  const dnnl::memory::desc& part() const { return part_; }

  absl::StatusOr<const void*> Read(const void* whole);

 private:
  const int64_t first_channel_;
  const int64_t channels_;
  dnnl::memory::desc part_;
  dnnl::memory::desc place_;  // of the part in the larger tensor
  int64_t offset_ = -1;
  BlockedTensor copy_;
  DnnlPrimitive reorder_;
};

}  // namespace doppio

#endif  // DOPPIO_DNN_CHANNEL_SLICE_H_
