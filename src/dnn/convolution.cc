#include "src/dnn/convolution.h"

#include <algorithm>
#include <type_traits>

#include "doppio/parallel.h"
#include "src/kernel/convolution_loops.h"
#include "src/kernel/convolve_rows.h"
#include "src/kernel/reduce.h"
#include "src/kernel/spatial.h"
#include "src/kernel/transpose_rows.h"

namespace doppio {
namespace {

// Slots of DnnlScratch for operands.
constexpr int kImageSlot = 1;
constexpr int kPlacesSlot = 2;
constexpr int kFilterSlot = 3;

PlainConvolution ToPlain(const ConvShape& shape) {
  const SlidingWindow sliding = ToSlidingWindow(shape.window);
  const bool last = shape.window.channels_last;
  const int64_t inputs = shape.in_channels / shape.groups;
  const int64_t outputs = shape.out_channels / shape.groups;
  return {sliding,
          shape.groups,
          inputs,
          outputs,
          StridesOf(shape.in_channels, sliding.in, last),
          StridesOf(inputs, sliding.kernel, last),
          StridesOf(shape.out_channels, sliding.out, last)};
}

// Groups of some channels that are too few for oneDNN's convolutions: it would multiply matrices of
// so many rows. What has one channel a group on both sides it does well.
bool IsThin(const ConvShape& shape) {
  constexpr int64_t kVector = 4;
  const int64_t inputs = shape.in_channels / shape.groups;
  return shape.groups > 1 && inputs < kVector && (inputs > 1 || shape.out_channels > shape.groups);
}

template <typename T>
bool UsesDnnl(const ConvShape& shape) {
  return std::is_same_v<T, float> && shape.window.IsOrdinary();
}

dnnl::convolution_forward::desc Describe(const DnnlConv& conv, const dnnl::memory::desc& image,
                                         const dnnl::memory::desc& places, dnnl::prop_kind kind,
                                         const dnnl::memory::desc& bias) {
  return {kind,          dnnl::algorithm::convolution_direct,
          image,         DnnlAnyLayout(conv.filter),
          bias,          places,
          conv.strides,  conv.dilates,
          conv.pad_head, conv.pad_tail};
}

// In layouts of oneDNN's choice; pixels with their channels stay where they are if it is fast with
// them.
dnnl::convolution_forward::primitive_desc ForwardDesc(const ConvShape& shape, const DnnlConv& conv,
                                                      dnnl::prop_kind kind,
                                                      const dnnl::memory::desc& bias) {
  if (shape.window.channels_last) {
    dnnl::convolution_forward::primitive_desc own(
        Describe(conv, conv.image, conv.places, kind, bias), DnnlAttributes(), DnnlEngine(),
        /*allow_empty=*/true);
    if (own.get(true) != nullptr && IsFast(own)) return own;
  }
  return {Describe(conv, DnnlAnyLayout(conv.image), DnnlAnyLayout(conv.places), kind, bias),
          DnnlAttributes(), DnnlEngine()};
}

dnnl::convolution_backward_data::primitive_desc BackwardDataDesc(const ConvShape& shape,
                                                                 const DnnlConv& conv) {
  const auto forward = ForwardDesc(shape, conv, dnnl::prop_kind::forward_training, {});
  const auto describe = [&](const dnnl::memory::desc& image, const dnnl::memory::desc& places) {
    return dnnl::convolution_backward_data::desc(dnnl::algorithm::convolution_direct, image,
                                                 DnnlAnyLayout(conv.filter), places, conv.strides,
                                                 conv.dilates, conv.pad_head, conv.pad_tail);
  };
  if (shape.window.channels_last) {
    dnnl::convolution_backward_data::primitive_desc own(describe(conv.image, conv.places),
                                                        DnnlAttributes(), DnnlEngine(), forward,
                                                        /*allow_empty=*/true);
    if (own.get(true) != nullptr && IsFast(own)) return own;
  }
  return {describe(DnnlAnyLayout(conv.image), DnnlAnyLayout(conv.places)), DnnlAttributes(),
          DnnlEngine(), forward};
}

// What make() makes for one thread says how it is computed with any number.
template <typename Make>
bool MultipliesMatricesOnOneThread(const Make& make) {
  const OpenMpThreads one(1);
  return MultipliesMatrices(make());
}

dnnl::memory::desc RowMajor(const dnnl::memory::desc& desc) {
  const dnnl::memory::dims dims = desc.dims();
  return DnnlRowMajor({dims.data(), dims.size()});
}

// y += b, for each channel.
template <typename T>
void AddBias(const ConvShape& shape, const T* b, T* y) {
  const int64_t places = SizeFromDim(shape.window.in, 0);
  const bool last = shape.window.channels_last;
  const int64_t rows = shape.window.batch * (last ? places : shape.in_channels);
  const int64_t columns = last ? shape.in_channels : places;
  constexpr int64_t kGrain = 1 << 15;
  ParallelFor(rows, kGrain / columns + 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      T* row = y + i * columns;
      const T* add = last ? b : b + i % shape.in_channels;
      for (int64_t j = 0; j < columns; ++j) row[j] += last ? add[j] : *add;
    }
  });
}

}  // namespace

absl::Status DnnlConvolution::Execute(const ConvShape& shape, const float* in, const float* w,
                                      const float* b, float* out) {
  DOPPIO_ASSIGN_OR_RETURN(const void* input, in_.Read(in));
  DOPPIO_ASSIGN_OR_RETURN(const void* filter, w_.Read(w));
  DOPPIO_ASSIGN_OR_RETURN(void* output, out_.Target(out));
  if (pieces_.IsFor(shape)) {
    DOPPIO_RETURN_IF_ERROR(pieces_.Run(static_cast<const float*>(input),
                                       static_cast<const float*>(filter), b,
                                       static_cast<float*>(output)));
  } else {
    primitive_.Bind(0, input);
    primitive_.Bind(1, filter);
    primitive_.Bind(2, output);
    DOPPIO_RETURN_IF_ERROR(primitive_.Execute());
  }
  return out_.Write(out);
}

absl::Status ConvolutionForward::RunDnnl(const ConvShape& shape, const float* x, const float* w,
                                         const float* b, float* y) {
  if (!IsFor(shape)) {
    pieces_.Clear();
    DOPPIO_RETURN_IF_ERROR(CallDnnl([&]() -> absl::Status {
      const DnnlConv conv(shape);
      const dnnl::memory::desc bias =
          b == nullptr ? dnnl::memory::desc() : DnnlRowMajor({shape.out_channels});
      const auto make = [&] {
        return ForwardDesc(shape, conv, dnnl::prop_kind::forward_inference, bias);
      };
      if (MultipliesMatricesOnOneThread(make)) {
        DOPPIO_RETURN_IF_ERROR(in_.InitInput(conv.image, RowMajor(conv.image), kImageSlot));
        DOPPIO_RETURN_IF_ERROR(w_.InitInput(conv.filter, RowMajor(conv.filter), kFilterSlot));
        DOPPIO_RETURN_IF_ERROR(out_.InitOutput(conv.places, RowMajor(conv.places), kPlacesSlot));
        return pieces_.InitForward(shape, b != nullptr);
      }
      const auto desc = make();
      DOPPIO_RETURN_IF_ERROR(in_.InitInput(conv.image, desc.src_desc(), kImageSlot));
      DOPPIO_RETURN_IF_ERROR(w_.InitInput(conv.filter, desc.weights_desc(), kFilterSlot));
      DOPPIO_RETURN_IF_ERROR(out_.InitOutput(conv.places, desc.dst_desc(), kPlacesSlot));
      return primitive_.Init(desc, {{DNNL_ARG_SRC, desc.src_desc()},
                                    {DNNL_ARG_WEIGHTS, desc.weights_desc()},
                                    {DNNL_ARG_DST, desc.dst_desc()},
                                    {DNNL_ARG_BIAS, bias}});
    }));
  }
  if (!pieces_.IsFor(shape)) primitive_.Bind(3, b);
  return Execute(shape, x, w, b, y);
}

template <typename T>
absl::Status ConvolutionForward::Run(const ConvShape& shape, const T* x, const T* w, const T* b,
                                     T* y, CPUContext* context) {
  if (shape.window.batch == 0) return absl::OkStatus();
  if constexpr (std::is_same_v<T, float>) {
    const PlainConvolution plain = ToPlain(shape);
    if (IsThin(shape) && ConvolvesByRows(plain)) {
      ConvolveRows(plain, x, w, b, y, context);
      return absl::OkStatus();
    }
    if (UsesDnnl<T>(shape)) return RunDnnl(shape, x, w, b, y);
  }
  Convolve(ToPlain(shape), x, w, b, y, context);
  return absl::OkStatus();
}

absl::Status ConvolutionBackwardData::RunDnnl(const ConvShape& shape, const float* dy,
                                              const float* w, float* dx) {
  if (!IsFor(shape)) {
    pieces_.Clear();
    DOPPIO_RETURN_IF_ERROR(CallDnnl([&]() -> absl::Status {
      const DnnlConv conv(shape);
      const auto make = [&] { return BackwardDataDesc(shape, conv); };
      if (MultipliesMatricesOnOneThread(make)) {
        DOPPIO_RETURN_IF_ERROR(in_.InitInput(conv.places, RowMajor(conv.places), kPlacesSlot));
        DOPPIO_RETURN_IF_ERROR(w_.InitInput(conv.filter, RowMajor(conv.filter), kFilterSlot));
        DOPPIO_RETURN_IF_ERROR(out_.InitOutput(conv.image, RowMajor(conv.image), kImageSlot));
        return pieces_.InitBackwardData(shape);
      }
      const auto desc = make();
      DOPPIO_RETURN_IF_ERROR(in_.InitInput(conv.places, desc.diff_dst_desc(), kPlacesSlot));
      DOPPIO_RETURN_IF_ERROR(w_.InitInput(conv.filter, desc.weights_desc(), kFilterSlot));
      DOPPIO_RETURN_IF_ERROR(out_.InitOutput(conv.image, desc.diff_src_desc(), kImageSlot));
      return primitive_.Init(desc, {{DNNL_ARG_DIFF_DST, desc.diff_dst_desc()},
                                    {DNNL_ARG_WEIGHTS, desc.weights_desc()},
                                    {DNNL_ARG_DIFF_SRC, desc.diff_src_desc()}});
    }));
  }
  return Execute(shape, dy, w, nullptr, dx);
}

template <typename T>
absl::Status ConvolutionBackwardData::Run(const ConvShape& shape, const T* dy, const T* w,
                                          const T* b, T* dx, CPUContext* context) {
  if (shape.window.batch == 0) return absl::OkStatus();
  bool done = false;
  if constexpr (std::is_same_v<T, float>) {
    const PlainConvolution plain = ToPlain(shape);
    if (shape.window.IsOrdinary() && TransposesByRows(plain, w)) {
      TransposeRows(plain, dy, w, b, dx, context);
      return absl::OkStatus();
    }
    done = UsesDnnl<T>(shape);
    if (done) DOPPIO_RETURN_IF_ERROR(RunDnnl(shape, dy, w, dx));
  }
  if (!done) ConvolveBackwardData(ToPlain(shape), dy, w, dx, context);
  if (b != nullptr) AddBias(shape, b, dx);
  return absl::OkStatus();
}

struct ConvolutionBackwardWeights::Piece {
  DnnlOperand x;
  DnnlOperand dy;
  DnnlOperand dw;
  DnnlPrimitive primitive;
};

ConvolutionBackwardWeights::ConvolutionBackwardWeights() = default;
ConvolutionBackwardWeights::~ConvolutionBackwardWeights() = default;

namespace {

// Of the filter's first dimension (output channels, or groups), how much makes a piece.
int64_t PieceSize(const ConvShape& shape) {
  constexpr int64_t kOnePiece = int64_t{1} << 20;  // multiplications with an addition
  constexpr int64_t kMostPieces = 16;
  constexpr int64_t kVector = 16;  // channels that oneDNN likes to have together
  const int64_t outputs = shape.out_channels / shape.groups;
  const int64_t all = shape.groups == 1 ? outputs : shape.groups;
  if (ConvMultiplyAdds(shape) < kOnePiece) return all;
  const int64_t least = shape.groups == 1 ? kVector : (kVector - 1) / outputs + 1;
  const int64_t wanted = (all - 1) / kMostPieces + 1;
  return std::min(all, (wanted - 1) / least * least + least);
}

// `desc` of dimensions [begin, begin + size) of its dimension `d`, of which there are many.
dnnl::memory::desc Part(const dnnl::memory::desc& desc, int d, int64_t begin, int64_t size) {
  dnnl::memory::dims dims = desc.dims();
  dnnl::memory::dims offsets(dims.size(), 0);
  dims[static_cast<size_t>(d)] = size;
  offsets[static_cast<size_t>(d)] = begin;
  return desc.submemory_desc(dims, offsets);
}

dnnl::memory::desc ChannelsLast(const dnnl::memory::desc& desc) {
  const dnnl::memory::dims dims = desc.dims();
  Dims stored(dims.begin(), dims.end());
  std::rotate(stored.begin() + 1, stored.begin() + 2, stored.end());
  return DnnlImage(stored, true);
}

}  // namespace

absl::Status ConvolutionBackwardWeights::InitPieces(const ConvShape& shape) {
  const DnnlConv conv(shape);
  const int64_t all = shape.groups == 1 ? shape.out_channels : shape.groups;
  const int64_t piece_size = PieceSize(shape);
  const int64_t inputs = shape.in_channels / shape.groups;
  const int64_t outputs = shape.out_channels / shape.groups;
  share_x_ = shape.groups == 1;
  if (share_x_)
    DOPPIO_RETURN_IF_ERROR(x_.InitInput(conv.image, ChannelsLast(conv.image), kImageSlot));
  const SerialScope one_thread;
  const OpenMpThreads one_openmp_thread(1);
  for (int64_t begin = 0; begin < all; begin += piece_size) {
    const int64_t size = std::min(piece_size, all - begin);
    const auto channels = [&](const dnnl::memory::desc& desc, int64_t of_group) {
      return Part(desc, 1, begin * of_group, size * of_group);
    };
    const dnnl::memory::desc image = share_x_ ? conv.image : channels(conv.image, inputs);
    const dnnl::memory::desc places = channels(conv.places, share_x_ ? 1 : outputs);
    const dnnl::memory::desc filter = Part(conv.filter, 0, begin, size);
    const dnnl::memory::desc image_last = ChannelsLast(image);
    const dnnl::memory::desc places_last = ChannelsLast(places);
    const dnnl::convolution_forward::primitive_desc forward(
        {dnnl::prop_kind::forward_training, dnnl::algorithm::convolution_direct, image_last,
         DnnlAnyLayout(filter), places_last, conv.strides, conv.dilates, conv.pad_head,
         conv.pad_tail},
        DnnlAttributes(), DnnlEngine());
    const dnnl::convolution_backward_weights::primitive_desc desc(
        {dnnl::algorithm::convolution_direct, image_last, DnnlAnyLayout(filter), places_last,
         conv.strides, conv.dilates, conv.pad_head, conv.pad_tail},
        DnnlAttributes(), DnnlEngine(), forward);
    auto piece = std::make_unique<Piece>();
    if (!share_x_) DOPPIO_RETURN_IF_ERROR(piece->x.InitInput(image, image_last, kImageSlot));
    DOPPIO_RETURN_IF_ERROR(piece->dy.InitInput(places, places_last, kPlacesSlot));
    DOPPIO_RETURN_IF_ERROR(piece->dw.InitOutput(filter, desc.diff_weights_desc(), kFilterSlot));
    DOPPIO_RETURN_IF_ERROR(
        piece->primitive.Init(desc, {{DNNL_ARG_SRC, desc.src_desc()},
                                     {DNNL_ARG_DIFF_DST, desc.diff_dst_desc()},
                                     {DNNL_ARG_DIFF_WEIGHTS, desc.diff_weights_desc()}}));
    pieces_.push_back(std::move(piece));
  }
  return absl::OkStatus();
}

absl::Status ConvolutionBackwardWeights::RunDnnl(const ConvShape& shape, const float* x,
                                                 const float* dy, float* dw) {
  if (pieces_.empty() || threads_ != ThreadsHere() || image_ != shape.image() ||
      filter_ != shape.filter()) {
    pieces_.clear();
    image_ = shape.image();
    filter_ = shape.filter();
    threads_ = ThreadsHere();
    const absl::Status status = CallDnnl([&] { return InitPieces(shape); });
    if (!status.ok()) pieces_.clear();
    DOPPIO_RETURN_IF_ERROR(status);
  }
  const void* image = x;
  if (share_x_) {
    DOPPIO_ASSIGN_OR_RETURN(image, x_.Read(x));
  }
  const auto run = [&](Piece& piece) -> absl::Status {
    const void* piece_image = image;
    if (!share_x_) {
      DOPPIO_ASSIGN_OR_RETURN(piece_image, piece.x.Read(x));
    }
    DOPPIO_ASSIGN_OR_RETURN(const void* places, piece.dy.Read(dy));
    DOPPIO_ASSIGN_OR_RETURN(void* filter, piece.dw.Target(dw));
    piece.primitive.Bind(0, piece_image);
    piece.primitive.Bind(1, places);
    piece.primitive.Bind(2, filter);
    DOPPIO_RETURN_IF_ERROR(piece.primitive.Execute());
    return piece.dw.Write(dw);
  };
  statuses_.assign(pieces_.size(), absl::OkStatus());
  ParallelFor(static_cast<int64_t>(pieces_.size()), 1, [&](int64_t begin, int64_t end) {
    const SerialScope one_thread;
    for (int64_t i = begin; i < end; ++i) {
      const auto at = static_cast<size_t>(i);
      statuses_[at] = run(*pieces_[at]);
    }
  });
  for (const absl::Status& status : statuses_) DOPPIO_RETURN_IF_ERROR(status);
  return absl::OkStatus();
}

template <typename T>
absl::Status ConvolutionBackwardWeights::Run(const ConvShape& shape, const T* x, const T* dy, T* dw,
                                             CPUContext* context) {
  if constexpr (std::is_same_v<T, float>) {
    if (UsesDnnl<T>(shape) && shape.window.batch > 0) return RunDnnl(shape, x, dy, dw);
  }
  ConvolveBackwardWeights(ToPlain(shape), x, dy, dw, context);
  return absl::OkStatus();
}

template <typename T>
absl::Status SumOverImages(DimsView dy_dims, bool channels_last, const T* dy, T* db,
                           CPUContext* context) {
  Dims db_dims(dy_dims.size(), 1);
  const size_t channels = channels_last ? dy_dims.size() - 1 : 1;
  db_dims[channels] = dy_dims[channels];
  return ReduceSumTo(dy, dy_dims, db, db_dims, context);
}

#define DOPPIO_CONVOLUTION_(T)                                                                     \
  template absl::Status ConvolutionForward::Run<T>(const ConvShape&, const T*, const T*, const T*, \
                                                   T*, CPUContext*);                               \
  template absl::Status ConvolutionBackwardData::Run<T>(const ConvShape&, const T*, const T*,      \
                                                        const T*, T*, CPUContext*);                \
  template absl::Status ConvolutionBackwardWeights::Run<T>(const ConvShape&, const T*, const T*,   \
                                                           T*, CPUContext*);                       \
  template absl::Status SumOverImages<T>(DimsView, bool, const T*, T*, CPUContext*);
DOPPIO_CONVOLUTION_(float)
DOPPIO_CONVOLUTION_(double)
#undef DOPPIO_CONVOLUTION_

}  // namespace doppio
