#include "ops/nn/columns.h"

namespace doppio {

WindowSettings ReadColumnArguments(ArgumentReader* reader) {
  WindowSettings settings;
  const auto pair = [&](const std::string& name, int fallback) -> std::vector<int> {
    const int both = reader->GetSingleArgument<int>(name, fallback);
    return {reader->GetSingleArgument<int>(absl::StrCat(name, "_h"), both),
            reader->GetSingleArgument<int>(absl::StrCat(name, "_w"), both)};
  };
  settings.kernel = pair("kernel", 0);
  settings.stride = pair("stride", 1);
  settings.dilation = pair("dilation", 1);
  settings.pads.assign(4, reader->GetSingleArgument<int>("pad", 0));
  settings.adjust.assign(2, 0);
  const std::string order = reader->GetSingleArgument<std::string>("order", "NCHW");
  settings.channels_last = order == "NHWC" || order == "nhwc";
  if (!settings.channels_last && order != "NCHW" && order != "nchw") {
    reader->Fail(absl::InvalidArgumentError(
        absl::StrCat("argument \"order\" is \"", order, "\", must be NCHW or NHWC")));
  }
  reader->Fail(settings.Verify(WindowUse::kConvolution));
  settings.status = reader->status();
  return settings;
}

void StateColumnArguments(OpSchema& schema) {
  for (const char* name : {"kernel", "stride", "dilation"}) {
    schema.OptionalArg<int64_t>(name, absl::StrCat(name, " in both directions"))
        .OptionalArg<int64_t>(absl::StrCat(name, "_h"), absl::StrCat("vertical ", name))
        .OptionalArg<int64_t>(absl::StrCat(name, "_w"), absl::StrCat("horizontal ", name));
  }
  schema.Arg<int>("pad", "padding on all four sides", 0)
      .Arg<std::string>("order", "NCHW or NHWC", "NCHW");
}

absl::StatusOr<Columns> ColumnsOf(const WindowSettings& settings, DimsView x) {
  DOPPIO_ASSIGN_OR_RETURN(const Window window, PlaceWindow(settings, x));
  for (size_t d = 0; d < 2; ++d) {
    const int64_t reach = window.dilation[d] * (window.kernel[d] - 1) + 1;
    if (reach <= window.in[d]) continue;
    return absl::InvalidArgumentError(absl::StrCat("the kernel of ", reach,
                                                   " (dilation included) is larger than the "
                                                   "image X ",
                                                   ShapeToString(x)));
  }
  Columns columns;
  ColumnShape& c = columns.shape;
  c.batch = window.batch;
  c.channels = window.channels;
  c.in = ToSpatial(window.in, 1);
  c.out = ToSpatial(window.out, 1);
  c.kernel = ToSpatial(window.kernel, 1);
  c.stride = ToSpatial(window.stride, 1);
  c.dilation = ToSpatial(window.dilation, 1);
  c.pad = ToSpatial(window.pad_head, 0);
  c.x = StridesOf(c.channels, c.in, settings.channels_last);
  DOPPIO_ASSIGN_OR_RETURN(const int64_t taps, CheckedProduct(c.channels, window.kernel_size()));
  columns.dims = ImageDims(window.batch, taps, window.out, settings.channels_last);
  DOPPIO_RETURN_IF_ERROR(NumElements(columns.dims).status());
  c.columns = StridesOf(taps, c.out, settings.channels_last);
  if (settings.channels_last) {
    c.taps = {0, c.kernel[2] * c.channels, c.channels};
  } else {
    const int64_t places = c.columns.inner;
    c.taps = {0, c.kernel[2] * places, places};
    c.columns.inner = window.kernel_size() * places;
  }
  return columns;
}

}  // namespace doppio
