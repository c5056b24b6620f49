#include "src/dnn/conv_shape.h"

#include "src/dnn/gemm.h"

namespace doppio {
namespace {

absl::Status CheckFilter(const ConvShape& shape, DimsView x, DimsView w) {
  const Dims wanted = shape.filter();
  if (w == DimsView(wanted)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "W is ", ShapeToString(w), ", must be ", ShapeToString(wanted), " for X ", ShapeToString(x),
      shape.groups == 1 ? "" : absl::StrCat(" and ", shape.groups, " groups")));
}

absl::Status CheckFilterRank(DimsView x, DimsView w) {
  if (w.size() == x.size() && w[0] > 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("W ", ShapeToString(w),
                                                 " must have the rank of X ", ShapeToString(x),
                                                 " and one output channel or more"));
}

// Before anything is placed, since what does not fit then is often a picture of the other order.
// `wanted` are the channels of X that W is for.
absl::Status CheckChannels(const WindowSettings& settings, DimsView x, DimsView w, int64_t wanted) {
  const int64_t channels = settings.channels_last ? x.back() : x[1];
  if (channels == wanted) return absl::OkStatus();
  std::string message =
      absl::StrCat("X ", ShapeToString(x), " has ", channels, " channels, but W ", ShapeToString(w),
                   settings.group == 1 ? "" : absl::StrCat(" with ", settings.group, " groups"),
                   " is for ", wanted);
  if ((settings.channels_last ? x[1] : x.back()) == wanted) {
    absl::StrAppend(&message, "; X looks like ", settings.channels_last ? "NCHW" : "NHWC",
                    ", but the order is ", settings.channels_last ? "NHWC" : "NCHW");
  }
  return absl::InvalidArgumentError(message);
}

absl::Status CheckGroups(absl::string_view what, int64_t channels, int64_t groups) {
  if (channels > 0 && channels % groups == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(what, " has ", channels, " channels, which ", groups, " groups do not divide"));
}

}  // namespace

absl::StatusOr<ConvShape> ShapeOfConv(const WindowSettings& settings, DimsView x, DimsView w) {
  ConvShape shape;
  DOPPIO_RETURN_IF_ERROR(CheckImageDims(settings, x));
  DOPPIO_RETURN_IF_ERROR(CheckFilterRank(x, w));
  shape.groups = settings.group;
  shape.in_channels = settings.channels_last ? x.back() : x[1];
  shape.out_channels = w[0];
  DOPPIO_RETURN_IF_ERROR(CheckGroups("X", shape.in_channels, shape.groups));
  const int64_t of_group = settings.channels_last ? w.back() : w[1];
  DOPPIO_ASSIGN_OR_RETURN(const int64_t wanted, CheckedProduct(of_group, shape.groups));
  DOPPIO_RETURN_IF_ERROR(CheckChannels(settings, x, w, wanted));
  DOPPIO_ASSIGN_OR_RETURN(shape.window, PlaceWindow(settings, x));
  DOPPIO_RETURN_IF_ERROR(CheckGroups("Y", shape.out_channels, shape.groups));
  DOPPIO_RETURN_IF_ERROR(CheckFilter(shape, x, w));
  DOPPIO_RETURN_IF_ERROR(NumElements(shape.places()).status());
  return shape;
}

absl::StatusOr<ConvShape> ShapeOfConvTranspose(const WindowSettings& settings, DimsView x,
                                               DimsView w) {
  ConvShape shape;
  DOPPIO_RETURN_IF_ERROR(CheckImageDims(settings, x));
  DOPPIO_RETURN_IF_ERROR(CheckFilterRank(x, w));
  shape.groups = settings.group;
  shape.out_channels = settings.channels_last ? x.back() : x[1];
  DOPPIO_RETURN_IF_ERROR(CheckChannels(settings, x, w, w[0]));
  DOPPIO_RETURN_IF_ERROR(CheckGroups("X", shape.out_channels, shape.groups));
  DOPPIO_ASSIGN_OR_RETURN(shape.window, PlaceTransposedWindow(settings, x));
  const int64_t of_group = settings.channels_last ? w.back() : w[1];
  DOPPIO_ASSIGN_OR_RETURN(shape.in_channels, CheckedProduct(of_group, shape.groups));
  DOPPIO_RETURN_IF_ERROR(CheckGroups("Y", shape.in_channels, shape.groups));
  DOPPIO_RETURN_IF_ERROR(CheckFilter(shape, x, w));
  DOPPIO_RETURN_IF_ERROR(NumElements(shape.image()).status());
  return shape;
}

absl::Status CheckConvBias(int64_t channels, DimsView b) {
  if (b.size() == 1 && b[0] == channels) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the bias must be a vector of the ", channels,
                                                 " output channels, but is ", ShapeToString(b)));
}

int64_t ConvMultiplyAdds(const ConvShape& shape) {
  // These products are parts of those of shapes that have been checked.
  const int64_t rows = shape.window.batch * SizeFromDim(shape.window.out, 0);
  const int64_t taps = shape.in_channels / shape.groups * shape.window.kernel_size();
  return GemmMultiplyAdds(rows, shape.out_channels, taps);
}

DnnlConv::DnnlConv(const ConvShape& shape)
    : image(DnnlImage(shape.image(), shape.window.channels_last)),
      places(DnnlImage(shape.places(), shape.window.channels_last)),
      strides(DnnlDims(shape.window.stride)),
      dilates(DnnlDims(shape.window.dilation)),
      pad_head(DnnlDims(shape.window.pad_head)),
      pad_tail(DnnlDims(shape.window.pad_tail)) {
  for (int64_t& dilate : dilates) --dilate;
  filter = DnnlImage(shape.filter(), shape.window.channels_last);
  if (shape.groups == 1) return;
  const dnnl_dim_t* old_strides = filter.data.format_desc.blocking.strides;
  dnnl::memory::dims grouped_strides(old_strides, old_strides + filter.data.ndims);
  dnnl::memory::dims grouped = filter.dims();
  grouped[0] /= shape.groups;
  grouped_strides.insert(grouped_strides.begin(), grouped_strides[0] * grouped[0]);
  grouped.insert(grouped.begin(), shape.groups);
  filter = {grouped, dnnl::memory::data_type::f32, grouped_strides};
}

}  // namespace doppio
