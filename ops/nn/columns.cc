#include "ops/nn/columns.h"

#include "src/operator/storage_order.h"

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
  settings.channels_last = ReadStorageOrder(reader) == StorageOrder::kNHWC;
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
  schema.Arg<int>("pad", "padding on all four sides", 0).FillUsing(StateStorageOrder);
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
  DOPPIO_ASSIGN_OR_RETURN(const int64_t taps,
                          CheckedProduct(window.channels, window.kernel_size()));
  const Dims dims = ImageDims(window.batch, taps, window.out, window.channels_last);
  DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
  const SlidingWindow sliding = ToSlidingWindow(window);
  ColumnShape c = {sliding,
                   window.channels,
                   StridesOf(window.channels, sliding.in, window.channels_last),
                   StridesOf(taps, sliding.out, window.channels_last),
                   {}};
  if (window.channels_last) {
    c.taps = {0, c.kernel[2] * c.channels, c.channels};
  } else {
    const int64_t places = c.columns.inner;
    c.taps = {0, c.kernel[2] * places, places};
    c.columns.inner = window.kernel_size() * places;
  }
  return Columns{dims, c};
}

}  // namespace doppio
