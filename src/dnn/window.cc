#include "src/dnn/window.h"

#include <algorithm>
#include <limits>
#include <string>

namespace doppio {
namespace {

constexpr int64_t kMaxSize = std::numeric_limits<int32_t>::max();
constexpr size_t kMaxSpatial = 3;  // what oneDNN has

absl::Status Invalid(absl::string_view message) { return absl::InvalidArgumentError(message); }

std::string ListToString(const std::vector<int>& values) {
  return ShapeToString(Dims(values.begin(), values.end()));
}

// Every number is at least `least`, and there are as many as there are of the kernel's.
absl::Status CheckList(absl::string_view name, const std::vector<int>& values, int least,
                       size_t count, const std::vector<int>& kernel) {
  if (values.size() != count) {
    return Invalid(absl::StrCat(name, " ", ListToString(values), " has ", values.size(),
                                " numbers, must have ", count, " for the kernel ",
                                ListToString(kernel)));
  }
  for (int value : values) {
    if (value < least) {
      return Invalid(
          absl::StrCat(name, " ", ListToString(values), " has ", value, ", below ", least));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckGlobal(const WindowSettings& settings) {
  const auto all = [](const std::vector<int>& values, int wanted) {
    return std::all_of(values.begin(), values.end(), [=](int value) { return value == wanted; });
  };
  if (all(settings.pads, 0) && all(settings.stride, 1) && all(settings.dilation, 1))
    return absl::OkStatus();
  return Invalid("with global_pooling, pads must be 0, strides and dilations 1");
}

absl::Status CheckPool(const WindowSettings& settings) {
  for (size_t d = 0; d < settings.kernel.size(); ++d) {
    if (settings.dilation[d] != 1) return Invalid("pools have no dilation");
    if (PadsAreImplied(settings.legacy_pad)) continue;
    if (settings.pads[d] >= settings.kernel[d] ||
        settings.pads[settings.kernel.size() + d] >= settings.kernel[d]) {
      return Invalid(absl::StrCat("pads ", ListToString(settings.pads),
                                  " must be smaller than the kernel ",
                                  ListToString(settings.kernel)));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckTransposed(const WindowSettings& settings) {
  if (settings.legacy_pad == LegacyPadding::kCaffe)
    return Invalid("transposed convolutions have no legacy_pad 3 (CAFFE_LEGACY_POOLING)");
  for (size_t d = 0; d < settings.kernel.size(); ++d) {
    if (settings.adjust[d] > settings.stride[d]) {
      return Invalid(absl::StrCat("adj ", ListToString(settings.adjust),
                                  " must not exceed the strides ", ListToString(settings.stride)));
    }
  }
  return absl::OkStatus();
}

// Of an image or of places, by the order: batch, channels, and the spatial sizes.
absl::Status SplitDims(const WindowSettings& settings, DimsView x, Window* window, Dims* spatial) {
  DOPPIO_RETURN_IF_ERROR(CheckImageDims(settings, x));
  window->batch = x[0];
  window->channels_last = settings.channels_last;
  window->channels = settings.channels_last ? x.back() : x[1];
  const auto first = x.begin() + (settings.channels_last ? 1 : 2);
  spatial->assign(first, first + static_cast<int64_t>(x.size() - 2));
  return absl::OkStatus();
}

struct Placement {
  int64_t out;
  int64_t pad_head;
};

// Places in one dimension, as Caffe2 counts them. All numbers are below 2^31, so that nothing here
// overflows.
absl::StatusOr<Placement> Place(LegacyPadding legacy_pad, int64_t in, int64_t kernel,
                                int64_t stride, int64_t dilation, int64_t head, int64_t tail) {
  const int64_t reach = dilation * (kernel - 1) + 1;
  switch (legacy_pad) {
    case LegacyPadding::kValid:
      head = 0;
      tail = 0;
      [[fallthrough]];
    case LegacyPadding::kNotSet:
      if (in + head + tail < reach) {
        return Invalid(absl::StrCat("the kernel of ", reach, " (dilation included) is larger than ",
                                    "the image of ", in, " with pads ", head, " and ", tail));
      }
      return Placement{(in + head + tail - reach) / stride + 1, head};
    case LegacyPadding::kSame: {
      if (dilation != 1) return Invalid("legacy_pad SAME (2) goes with dilation 1 only");
      const int64_t out = (in - 1) / stride + 1;
      return Placement{out, ((out - 1) * stride + kernel - in) / 2};
    }
    case LegacyPadding::kCaffe: {
      if (dilation != 1) return Invalid("legacy_pad 3 goes with dilation 1 only");
      const int64_t over = in + 2 * head - kernel;
      // Rounded up, below 0 too.
      int64_t out = over / stride + (over % stride > 0 ? 1 : 0) + 1;
      // The last window must begin in the image or in the padding at its head.
      if (head > 0 && (out - 1) * stride >= in + head) --out;
      if (out < 1 || (over >= 0 && out < over / stride + 1)) {
        return Invalid(absl::StrCat("the kernel of ", kernel, " is larger than the image of ", in,
                                    " with pads of ", head));
      }
      return Placement{out, head};
    }
  }
  return absl::InternalError("no such legacy_pad");
}

void PushPlaced(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t dilation,
                int64_t head, Window* window) {
  window->in.push_back(in);
  window->out.push_back(out);
  window->kernel.push_back(kernel);
  window->stride.push_back(stride);
  window->dilation.push_back(dilation);
  window->pad_head.push_back(head);
  window->pad_tail.push_back((out - 1) * stride + dilation * (kernel - 1) + 1 - head - in);
}

absl::Status TooLarge(DimsView x) {
  return Invalid(
      absl::StrCat("the output of X ", ShapeToString(x), " has more than 2^31 - 1 rows"));
}

}  // namespace

bool PadsAreImplied(LegacyPadding legacy_pad) {
  return legacy_pad == LegacyPadding::kValid || legacy_pad == LegacyPadding::kSame;
}

absl::Status WindowSettings::Verify(WindowUse use) const {
  if (group < 1) return Invalid(absl::StrCat("group is ", group, ", must be positive"));
  if (global_pooling) return CheckGlobal(*this);
  if (kernel.empty()) return Invalid("the size of the kernel is missing: the argument \"kernel\"");
  const size_t rank = kernel.size();
  DOPPIO_RETURN_IF_ERROR(CheckList("kernel", kernel, 1, rank, kernel));
  DOPPIO_RETURN_IF_ERROR(CheckList("stride", stride, 1, rank, kernel));
  DOPPIO_RETURN_IF_ERROR(CheckList("dilation", dilation, 1, rank, kernel));
  DOPPIO_RETURN_IF_ERROR(CheckList("adj", adjust, 0, rank, kernel));
  if (!PadsAreImplied(legacy_pad))
    DOPPIO_RETURN_IF_ERROR(CheckList("pads", pads, 0, 2 * rank, kernel));
  if (use == WindowUse::kPool) return CheckPool(*this);
  if (use == WindowUse::kTransposedConvolution) return CheckTransposed(*this);
  return absl::OkStatus();
}

bool Window::HasEmptyWindow() const {
  for (int d = 0; d < rank(); ++d) {
    // The last window begins behind the image, or the first ends before it.
    if ((out[d] - 1) * stride[d] - pad_head[d] >= in[d]) return true;
    if (dilation[d] * (kernel[d] - 1) < pad_head[d]) return true;
  }
  return false;
}

bool Window::IsOrdinary() const {
  constexpr int64_t kFarthest = 1 << 24;
  for (int d = 0; d < rank(); ++d) {
    if (pad_head[d] < 0 || pad_tail[d] <= -stride[d]) return false;
    const int64_t padded = in[d] + pad_head[d] + std::max<int64_t>(pad_tail[d], 0);
    if (padded > kFarthest || stride[d] > kFarthest) return false;
  }
  return true;
}

int64_t Window::kernel_size() const { return SizeFromDim(kernel, 0); }

SlidingWindow ToSlidingWindow(const Window& window) {
  SlidingWindow sliding;
  sliding.batch = window.batch;
  sliding.in = ToSpatial(window.in, 1);
  sliding.out = ToSpatial(window.out, 1);
  sliding.kernel = ToSpatial(window.kernel, 1);
  sliding.stride = ToSpatial(window.stride, 1);
  sliding.dilation = ToSpatial(window.dilation, 1);
  sliding.pad = ToSpatial(window.pad_head, 0);
  return sliding;
}

absl::Status CheckImageDims(const WindowSettings& settings, DimsView x) {
  DOPPIO_RETURN_IF_ERROR(settings.status);
  if (x.size() < 3 || x.size() > 2 + kMaxSpatial) {
    return Invalid(absl::StrCat("X ", ShapeToString(x),
                                " must have a batch, channels and 1 to 3 spatial dimensions"));
  }
  if (!settings.global_pooling && settings.kernel.size() != x.size() - 2) {
    return Invalid(absl::StrCat("the kernel ", ListToString(settings.kernel), " has ",
                                settings.kernel.size(), " dimensions, but X ", ShapeToString(x),
                                " has ", x.size() - 2, " spatial ones"));
  }
  for (size_t i = 1; i < x.size(); ++i) {
    if (x[i] < 1 || x[i] > kMaxSize) {
      return Invalid(absl::StrCat("X ", ShapeToString(x), " has ", x[i], " in dimension ", i,
                                  ": sizes besides the batch must be 1 to 2^31 - 1"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Window> PlaceWindow(const WindowSettings& settings, DimsView x) {
  Window window;
  Dims in;
  DOPPIO_RETURN_IF_ERROR(SplitDims(settings, x, &window, &in));
  for (size_t d = 0; d < in.size(); ++d) {
    if (settings.global_pooling) {
      PushPlaced(in[d], 1, in[d], 1, 1, 0, &window);
      continue;
    }
    const bool implied = PadsAreImplied(settings.legacy_pad);
    DOPPIO_ASSIGN_OR_RETURN(
        const Placement placed,
        Place(settings.legacy_pad, in[d], settings.kernel[d], settings.stride[d],
              settings.dilation[d], implied ? 0 : settings.pads[d],
              implied ? 0 : settings.pads[in.size() + d]));
    if (placed.out > kMaxSize) return TooLarge(x);
    PushPlaced(in[d], placed.out, settings.kernel[d], settings.stride[d], settings.dilation[d],
               placed.pad_head, &window);
  }
  DOPPIO_RETURN_IF_ERROR(NumElements(window.kernel).status());
  return window;
}

absl::StatusOr<Window> PlaceTransposedWindow(const WindowSettings& settings, DimsView x) {
  Window window;
  Dims out;
  DOPPIO_RETURN_IF_ERROR(SplitDims(settings, x, &window, &out));
  for (size_t d = 0; d < out.size(); ++d) {
    const bool implied = PadsAreImplied(settings.legacy_pad);
    const int64_t head = implied ? 0 : settings.pads[d];
    const int64_t tail = implied ? 0 : settings.pads[out.size() + d];
    const int64_t reach = int64_t{settings.dilation[d]} * (settings.kernel[d] - 1) + 1;
    const int64_t in = (out[d] - 1) * settings.stride[d] + reach + settings.adjust[d] - head - tail;
    if (in > kMaxSize) return TooLarge(x);
    if (in < 1) {
      return Invalid(absl::StrCat("pads ", head, " and ", tail,
                                  " leave nothing of the output of X ", ShapeToString(x),
                                  " in spatial dimension ", d));
    }
    PushPlaced(in, out[d], settings.kernel[d], settings.stride[d], settings.dilation[d], head,
               &window);
  }
  DOPPIO_RETURN_IF_ERROR(NumElements(window.kernel).status());
  return window;
}

Dims ImageDims(int64_t batch, int64_t channels, DimsView spatial, bool channels_last) {
  Dims dims = {batch};
  if (!channels_last) dims.push_back(channels);
  dims.insert(dims.end(), spatial.begin(), spatial.end());
  if (channels_last) dims.push_back(channels);
  return dims;
}

absl::StatusOr<Dims> PooledDims(const Window& window) {
  Dims dims = ImageDims(window.batch, window.channels, window.out, window.channels_last);
  DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
  return dims;
}

}  // namespace doppio
