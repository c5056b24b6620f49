#include "src/dnn/pooling.h"

#include <type_traits>

namespace doppio {

DnnlPool::DnnlPool(const Window& window, PoolKind kind, bool count_include_pad)
    : algorithm(kind == PoolKind::kMax ? dnnl::algorithm::pooling_max
                : count_include_pad    ? dnnl::algorithm::pooling_avg_include_padding
                                       : dnnl::algorithm::pooling_avg_exclude_padding),
      x(DnnlImage(ImageDims(window.batch, window.channels, window.in, window.channels_last),
                  window.channels_last)),
      y(DnnlImage(ImageDims(window.batch, window.channels, window.out, window.channels_last),
                  window.channels_last)),
      kernel(DnnlDims(window.kernel)),
      stride(DnnlDims(window.stride)),
      pad_head(DnnlDims(window.pad_head)),
      pad_tail(DnnlDims(window.pad_tail)) {}

bool DnnlHasPool(const Window& window) { return window.IsOrdinary() && !window.HasEmptyWindow(); }

PlainPool ToPlainPool(const Window& window) {
  const SlidingWindow sliding = ToSlidingWindow(window);
  return {sliding, window.channels, StridesOf(window.channels, sliding.in, window.channels_last),
          StridesOf(window.channels, sliding.out, window.channels_last)};
}

absl::Status Pooling::ForwardDnnl(const Window& window, const float* x, float* y) {
  if (!primitive_.IsFor({{window.batch, window.channels}, window.in})) {
    DOPPIO_RETURN_IF_ERROR(CallDnnl([&] {
      const DnnlPool pool(window, kind_, count_include_pad_);
      const dnnl::pooling_forward::primitive_desc desc(
          {dnnl::prop_kind::forward_inference, pool.algorithm, pool.x, pool.y, pool.stride,
           pool.kernel, pool.pad_head, pool.pad_tail},
          DnnlAttributes(), DnnlEngine());
      return primitive_.Init(desc, {{DNNL_ARG_SRC, pool.x}, {DNNL_ARG_DST, pool.y}});
    }));
  }
  primitive_.Bind(0, x);
  primitive_.Bind(1, y);
  return primitive_.Execute();
}

template <typename T>
absl::Status Pooling::Forward(const Window& window, const T* x, T* y, CPUContext* context) {
  if (window.batch == 0) return absl::OkStatus();
  if constexpr (std::is_same_v<T, float>) {
    // Of rows of pixels oneDNN has slow loops only.
    if (window.channels_last && DnnlHasPool(window)) return ForwardDnnl(window, x, y);
  }
  if (kind_ == PoolKind::kMax) {
    MaxPool(ToPlainPool(window), x, y, context);
  } else {
    AveragePool(ToPlainPool(window), count_include_pad_, x, y, context);
  }
  return absl::OkStatus();
}

template absl::Status Pooling::Forward<float>(const Window&, const float*, float*, CPUContext*);
template absl::Status Pooling::Forward<double>(const Window&, const double*, double*, CPUContext*);

}  // namespace doppio
