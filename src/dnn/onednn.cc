#include "src/dnn/onednn.h"

#include <omp.h>

#include <algorithm>

#include "doppio/tensor.h"

namespace doppio {
namespace {

const dnnl::stream& Stream() {
  thread_local const dnnl::stream stream(DnnlEngine());
  return stream;
}

}  // namespace

const dnnl::engine& DnnlEngine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

absl::StatusOr<void*> DnnlScratch(int slot, int64_t bytes) {
  thread_local Tensor scratch[kDnnlScratchSlots];
  DOPPIO_RETURN_IF_ERROR(scratch[slot].Resize(DataType::kUInt8, {bytes}));
  return scratch[slot].raw_mutable_data();
}

dnnl::primitive_attr DnnlAttributes() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

dnnl::memory::desc DnnlRowMajor(DimsView dims) {
  const Dims strides = ContiguousStrides(dims);
  return {DnnlDims(dims), dnnl::memory::data_type::f32, DnnlDims(strides)};
}

dnnl::memory::desc DnnlImage(DimsView dims, bool channels_last) {
  const dnnl::memory::desc stored = DnnlRowMajor(dims);
  if (!channels_last) return stored;
  std::vector<int> permutation(dims.size());
  permutation[0] = 0;
  for (size_t i = 1; i + 1 < dims.size(); ++i) permutation[i] = static_cast<int>(i) + 1;
  permutation.back() = 1;
  return stored.permute_axes(permutation);
}

dnnl::memory::desc DnnlAnyLayout(const dnnl::memory::desc& desc) {
  return {desc.dims(), dnnl::memory::data_type::f32, dnnl::memory::format_tag::any};
}

dnnl::memory::dims DnnlDims(DimsView dims) { return {dims.begin(), dims.end()}; }

absl::Status DnnlError(const dnnl::error& error) {
  const std::string message = absl::StrCat("oneDNN: ", error.what());
  switch (error.status) {
    case dnnl_out_of_memory:
      return absl::ResourceExhaustedError(message);
    case dnnl_unimplemented:
      return absl::UnimplementedError(message);
    case dnnl_invalid_arguments:
      return absl::InvalidArgumentError(message);
    default:
      return absl::InternalError(message);
  }
}

OpenMpThreads::OpenMpThreads(int count) : previous_(omp_get_max_threads()) {
  if (count != previous_) omp_set_num_threads(count);
}

OpenMpThreads::~OpenMpThreads() {
  if (omp_get_max_threads() != previous_) omp_set_num_threads(previous_);
}

bool DnnlPrimitive::IsFor(std::initializer_list<DimsView> shapes) {
  const int threads = ThreadsHere();
  if (primitive_ && threads == threads_ &&
      std::equal(shapes.begin(), shapes.end(), shapes_.begin(), shapes_.end(),
                 [](DimsView a, const Dims& b) { return a == DimsView(b); })) {
    return true;
  }
  primitive_ = dnnl::primitive();
  threads_ = threads;
  shapes_.clear();
  for (DimsView shape : shapes) shapes_.emplace_back(shape.begin(), shape.end());
  return false;
}

absl::Status DnnlPrimitive::Init(dnnl::primitive primitive, const dnnl::memory::desc& scratch,
                                 absl::Span<const Argument> arguments) {
  primitive_ = std::move(primitive);
  memories_.clear();
  arguments_.clear();
  for (const auto& [argument, desc] : arguments) {
    memories_.emplace_back(desc, DnnlEngine(), nullptr);
    arguments_.push_back({argument, memories_.back().get()});
  }
  memories_.emplace_back(scratch, DnnlEngine(), nullptr);
  arguments_.push_back({DNNL_ARG_SCRATCHPAD, memories_.back().get()});
  scratch_bytes_ = static_cast<int64_t>(scratch.get_size());
  return absl::OkStatus();
}

void DnnlPrimitive::Bind(int slot, const void* data) {
  dnnl::memory& memory = memories_[slot];
  // oneDNN's interface has one pointer for what it reads and what it writes.
  if (memory.get_data_handle() != data) memory.set_data_handle(const_cast<void*>(data), Stream());
}

absl::Status DnnlPrimitive::Execute() {
  if (scratch_bytes_ > 0) {
    DOPPIO_ASSIGN_OR_RETURN(void* scratch, DnnlScratch(0, scratch_bytes_));
    Bind(static_cast<int>(arguments_.size()) - 1, scratch);
  }
  const OpenMpThreads threads(ThreadsHere());
  const dnnl_status_t status = dnnl_primitive_execute(
      primitive_.get(), Stream().get(), static_cast<int>(arguments_.size()), arguments_.data());
  if (status == dnnl_success) return absl::OkStatus();
  return DnnlError(dnnl::error(status, "could not run a primitive"));
}

absl::Status DnnlReorder(const dnnl::memory::desc& from_desc, const void* from,
                         const dnnl::memory::desc& to_desc, void* to) {
  return CallDnnl([&] {
    DnnlPrimitive reorder;
    const dnnl::reorder::primitive_desc desc(DnnlEngine(), from_desc, DnnlEngine(), to_desc,
                                             DnnlAttributes());
    DOPPIO_RETURN_IF_ERROR(
        reorder.Init(desc, {{DNNL_ARG_FROM, from_desc}, {DNNL_ARG_TO, to_desc}}));
    reorder.Bind(0, from);
    reorder.Bind(1, to);
    return reorder.Execute();
  });
}

}  // namespace doppio
