#include "ops/onnx/resolved_indices.h"

#include "src/kernel/indices.h"

namespace doppio {

absl::Status ResolveIndices(const Tensor& indices, DimsView sizes, std::vector<int64_t>* resolved) {
  return DispatchType(IndexTypes(), indices.dtype(), [&](auto tag) -> absl::Status {
    const auto values = indices.span<typename decltype(tag)::type>();
    resolved->resize(values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      const int64_t size = sizes[i % sizes.size()];
      const int64_t index = values[i];
      if (index < -size || index >= size) {
        return absl::InvalidArgumentError(
            absl::StrCat("index ", i, " is ", index, ", but must be in [", -size, ", ", size, ")"));
      }
      (*resolved)[i] = index < 0 ? index + size : index;
    }
    return absl::OkStatus();
  });
}

}  // namespace doppio
