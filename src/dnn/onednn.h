#ifndef DOPPIO_DNN_ONEDNN_H_
#define DOPPIO_DNN_ONEDNN_H_

// What all that computes in oneDNN has in common: its exceptions become statuses, its
// threads are doppio's, and its temporary memory comes from doppio's allocator.
//
//   if (!pool_.IsFor({x.dims()})) {
//     DOPPIO_RETURN_IF_ERROR(CallDnnl([&] {
//       ...
//       dnnl::pooling_forward::primitive_desc pd({...}, DnnlAttributes(), DnnlEngine());
//       return pool_.Init(pd, {{DNNL_ARG_SRC, pd.src_desc()}, {DNNL_ARG_DST, pd.dst_desc()}});
//     }));
//   }
//   pool_.Bind(0, x.raw_data());
//   pool_.Bind(1, y->raw_mutable_data());
//   return pool_.Execute();

#include <cstdint>
#include <initializer_list>
#include <oneapi/dnnl/dnnl.hpp>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "doppio/shape.h"
#include "doppio/status.h"
#include "src/base/threads.h"

namespace doppio {

const dnnl::engine& DnnlEngine();

// Attributes for a primitive descriptor that DnnlPrimitive may run: scratch memory is the user's.
dnnl::primitive_attr DnnlAttributes();

// A float tensor of these dimensions, stored row-major in the order that they are given.
dnnl::memory::desc DnnlRowMajor(DimsView dims);

// A float image of `dims`, which are stored [N, C, spatial...], or [N, spatial..., C] where
// `channels_last`. oneDNN wants [N, C, spatial...] in either case, and strides.
dnnl::memory::desc DnnlImage(DimsView dims, bool channels_last);

// `desc` with a layout that oneDNN is free to choose.
dnnl::memory::desc DnnlAnyLayout(const dnnl::memory::desc& desc);

dnnl::memory::dims DnnlDims(DimsView dims);

// dnnl::error (unsupported combinations, no memory) as a Status.
absl::Status DnnlError(const dnnl::error& error);

// While one exists, parallel loops of OpenMP that this thread begins have that many threads.
class OpenMpThreads {
 public:
  explicit OpenMpThreads(int count);
  ~OpenMpThreads();
  OpenMpThreads(const OpenMpThreads&) = delete;
  OpenMpThreads& operator=(const OpenMpThreads&) = delete;

 private:
  int previous_;
};

// f(), which returns a Status, makes primitives, and may throw oneDNN's exceptions. A primitive is
// made for a number of threads: for as many as it may use here and now.
template <typename F>
absl::Status CallDnnl(F&& f);

// A primitive and its arguments. Made once for a shape and run often, from any thread, but one at a
// time; running allocates no memory but what oneDNN itself takes for lists of arguments.
class DnnlPrimitive {
 public:
  using Argument = std::pair<int, dnnl::memory::desc>;

  DnnlPrimitive() = default;
  DnnlPrimitive(const DnnlPrimitive&) = delete;
  DnnlPrimitive& operator=(const DnnlPrimitive&) = delete;

  // Makes the primitive; its arguments, each a DNNL_ARG_..., get slots in that order. May throw
  // oneDNN's exceptions: call it inside CallDnnl.
  template <typename PrimitiveDesc>
  absl::Status Init(const PrimitiveDesc& desc, absl::Span<const Argument> arguments) {
    return Init(dnnl::primitive(desc.get()), desc.scratchpad_desc(), arguments);
  }

  // Whether there is a primitive that was made for these shapes and the present number of threads.
  // If not, the next Init is taken to be for them.
  bool IsFor(std::initializer_list<DimsView> shapes);

  // Drops the primitive: it is for nothing until the next Init.
  void Reset() { primitive_ = dnnl::primitive(); }

  // The memory of the argument in this slot, which must be bound before the first Execute. Binding
  // the same memory again costs a comparison.
  void Bind(int slot, const void* data);

  absl::Status Execute();

 private:
  absl::Status Init(dnnl::primitive primitive, const dnnl::memory::desc& scratch,
                    absl::Span<const Argument> arguments);

  int threads_ = 0;
  std::vector<Dims> shapes_;
  dnnl::primitive primitive_;
  std::vector<dnnl::memory> memories_;
  std::vector<dnnl_exec_arg_t> arguments_;  // the last one is the scratch memory
  int64_t scratch_bytes_ = 0;
};

// Memory of the calling thread for what does not outlive a run of an operator; a piece for each
// slot, since operators of one thread run one after another. Slot 0 is for primitives, 4 and 5 are
// for products of matrices.
constexpr int kDnnlScratchSlots = 6;
absl::StatusOr<void*> DnnlScratch(int slot, int64_t bytes);

// Copies `from`, laid out as `from_desc`, to `to`, laid out as `to_desc`.
absl::Status DnnlReorder(const dnnl::memory::desc& from_desc, const void* from,
                         const dnnl::memory::desc& to_desc, void* to);

template <typename F>
absl::Status CallDnnl(F&& f) {
  const OpenMpThreads threads(ThreadsHere());
  try {
    return f();
  } catch (const dnnl::error& error) {
    return DnnlError(error);
  }
}

}  // namespace doppio

#endif  // DOPPIO_DNN_ONEDNN_H_
