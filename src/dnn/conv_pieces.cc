#include "src/dnn/conv_pieces.h"

#include <algorithm>

#include "doppio/parallel.h"

namespace doppio {
namespace {

// How many images, and how many of the filter's first dimension (output channels, or groups), make
// a piece.
struct Cut {
  int64_t images;
  int64_t filters;
};

Cut CutOf(const ConvShape& shape, bool backward) {
  constexpr int64_t kOnePiece = int64_t{1} << 20;  // multiplications with an addition
  constexpr int64_t kManyImages = 8;
  constexpr int64_t kMostPieces = 16;
  const int64_t batch = shape.window.batch;
  const int64_t all = shape.groups == 1 ? shape.out_channels : shape.groups;
  if (ConvMultiplyAdds(shape) < kOnePiece) return {batch, all};
  if (batch >= kManyImages) return {(batch - 1) / kMostPieces + 1, all};
  if (shape.groups > 1) return {1, (all - 1) / kMostPieces + 1};
  if (backward) return {1, all};  // the gradient of an image is a sum over all filters
  // Every piece unfolds the image anew, which costs as much as some 32 filters.
  constexpr int64_t kVector = 16;
  const int64_t pieces = std::clamp<int64_t>(all / 64, all < 32 ? 1 : 2, kMostPieces);
  return {1, ((all - 1) / pieces / kVector + 1) * kVector};
}

}  // namespace

template <typename InitPrimitive>
absl::Status ConvolutionPieces::Init(const ConvShape& shape, bool backward,
                                     const InitPrimitive& init) {
  pieces_.clear();
  image_ = shape.image();
  filter_ = shape.filter();
  const int64_t all = shape.groups == 1 ? shape.out_channels : shape.groups;
  // Of one image, and of one filter or of those of one group.
  const int64_t image_size = shape.in_channels * SizeFromDim(shape.window.in, 0);
  const int64_t places_size = shape.out_channels * SizeFromDim(shape.window.out, 0);
  const int64_t filter_size = SizeFromDim(filter_, 0) / all;
  const Cut cut = CutOf(shape, backward);
  const SerialScope one_thread;
  const OpenMpThreads one_openmp_thread(1);
  for (int64_t image = 0; image < shape.window.batch; image += cut.images) {
    for (int64_t filter = 0; filter < all; filter += cut.filters) {
      const int64_t filters = std::min(cut.filters, all - filter);
      ConvShape part = shape;
      part.window.channels_last = false;
      part.window.batch = std::min(cut.images, shape.window.batch - image);
      part.out_channels = shape.out_channels / all * filters;
      int64_t image_begin = image * image_size;
      if (shape.groups > 1) {
        part.groups = filters;
        part.in_channels = shape.in_channels / all * filters;
        image_begin += image_size / all * filter;
      }
      const int64_t places_begin = image * places_size + places_size / all * filter;
      auto piece = std::make_unique<Piece>();
      piece->from = backward ? places_begin : image_begin;
      piece->to = backward ? image_begin : places_begin;
      piece->w = filter * filter_size;
      piece->b = shape.out_channels / all * filter;
      const absl::Status status = init(part, &piece->primitive);
      if (!status.ok()) pieces_.clear();
      DOPPIO_RETURN_IF_ERROR(status);
      pieces_.push_back(std::move(piece));
    }
  }
  statuses_.assign(pieces_.size(), absl::OkStatus());
  return absl::OkStatus();
}

absl::Status ConvolutionPieces::InitForward(const ConvShape& shape, bool has_bias) {
  return Init(shape, false, [&](const ConvShape& part, DnnlPrimitive* primitive) {
    const DnnlConv conv(part);
    const dnnl::memory::desc bias =
        has_bias ? DnnlRowMajor({part.out_channels}) : dnnl::memory::desc();
    const dnnl::convolution_forward::primitive_desc desc(
        {dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, conv.image,
         conv.filter, bias, conv.places, conv.strides, conv.dilates, conv.pad_head, conv.pad_tail},
        DnnlAttributes(), DnnlEngine());
    return primitive->Init(desc, {{DNNL_ARG_SRC, conv.image},
                                  {DNNL_ARG_WEIGHTS, conv.filter},
                                  {DNNL_ARG_DST, conv.places},
                                  {DNNL_ARG_BIAS, bias}});
  });
}

absl::Status ConvolutionPieces::InitBackwardData(const ConvShape& shape) {
  return Init(shape, true, [&](const ConvShape& part, DnnlPrimitive* primitive) {
    const DnnlConv conv(part);
    const dnnl::convolution_forward::primitive_desc forward(
        {dnnl::prop_kind::forward_training, dnnl::algorithm::convolution_direct, conv.image,
         conv.filter, conv.places, conv.strides, conv.dilates, conv.pad_head, conv.pad_tail},
        DnnlAttributes(), DnnlEngine());
    const dnnl::convolution_backward_data::primitive_desc desc(
        {dnnl::algorithm::convolution_direct, conv.image, conv.filter, conv.places, conv.strides,
         conv.dilates, conv.pad_head, conv.pad_tail},
        DnnlAttributes(), DnnlEngine(), forward);
    return primitive->Init(desc, {{DNNL_ARG_DIFF_DST, conv.places},
                                  {DNNL_ARG_WEIGHTS, conv.filter},
                                  {DNNL_ARG_DIFF_SRC, conv.image},
                                  {DNNL_ARG_BIAS, dnnl::memory::desc()}});
  });
}

absl::Status ConvolutionPieces::Run(const float* from, const float* w, const float* b, float* to) {
  ParallelFor(static_cast<int64_t>(pieces_.size()), 1, [&](int64_t begin, int64_t end) {
    const SerialScope one_thread;
    for (int64_t i = begin; i < end; ++i) {
      Piece& piece = *pieces_[static_cast<size_t>(i)];
      piece.primitive.Bind(0, from + piece.from);
      piece.primitive.Bind(1, w + piece.w);
      piece.primitive.Bind(2, to + piece.to);
      piece.primitive.Bind(3, b == nullptr ? nullptr : b + piece.b);
      statuses_[static_cast<size_t>(i)] = piece.primitive.Execute();
    }
  });
  for (const absl::Status& status : statuses_) DOPPIO_RETURN_IF_ERROR(status);
  return absl::OkStatus();
}

}  // namespace doppio
