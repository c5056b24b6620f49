#include "ops/nn/window_arguments.h"

#include <algorithm>
#include <string>

#include "src/operator/storage_order.h"

namespace doppio {
namespace {

absl::Status Invalid(absl::string_view message) { return absl::InvalidArgumentError(message); }

// `plural` as a list; two numbers more where `name`, or name_h and name_w, are given.
std::vector<int> ReadSizes(ArgumentReader* reader, const std::string& name) {
  std::vector<int> values = reader->GetRepeatedArgument<int>(absl::StrCat(name, "s"));
  const std::string h = absl::StrCat(name, "_h");
  const std::string w = absl::StrCat(name, "_w");
  if (reader->HasArgument(name)) {
    values.resize(2, reader->GetSingleArgument<int>(name, 0));
  } else if (reader->HasArgument(h) && reader->HasArgument(w)) {
    values.push_back(reader->GetSingleArgument<int>(h, 0));
    values.push_back(reader->GetSingleArgument<int>(w, 0));
  }
  return values;
}

std::vector<int> ReadPads(ArgumentReader* reader, LegacyPadding legacy_pad) {
  constexpr const char* kSides[] = {"pad_t", "pad_l", "pad_b", "pad_r"};
  std::vector<int> pads = reader->GetRepeatedArgument<int>("pads");
  bool given = reader->HasArgument("pads");
  if (reader->HasArgument("pad")) {
    pads.resize(4, reader->GetSingleArgument<int>("pad", 0));
    given = true;
  } else if (std::all_of(std::begin(kSides), std::end(kSides),
                         [&](const char* side) { return reader->HasArgument(side); })) {
    for (const char* side : kSides) pads.push_back(reader->GetSingleArgument<int>(side, 0));
    given = true;
  }
  if (given && PadsAreImplied(legacy_pad)) {
    reader->Fail(Invalid("legacy_pad VALID (1) and SAME (2) find the pads; none may be given"));
  }
  return pads;
}

}  // namespace

WindowSettings ReadWindowArguments(ArgumentReader* reader, WindowUse use) {
  WindowSettings settings;
  settings.kernel = ReadSizes(reader, "kernel");
  settings.stride = ReadSizes(reader, "stride");
  settings.dilation = ReadSizes(reader, "dilation");
  if (use == WindowUse::kTransposedConvolution) settings.adjust = ReadSizes(reader, "adj");
  settings.group = reader->GetSingleArgument<int>("group", 1);
  const int legacy = reader->GetSingleArgument<int>("legacy_pad", 0);
  if (legacy < 0 || legacy > 3) {
    reader->Fail(Invalid(absl::StrCat("argument \"legacy_pad\" is ", legacy, ", must be 0 to 3")));
  } else {
    settings.legacy_pad = static_cast<LegacyPadding>(legacy);
  }
  settings.channels_last = ReadStorageOrder(reader) == StorageOrder::kNHWC;
  settings.pads = ReadPads(reader, settings.legacy_pad);
  if (use != WindowUse::kTransposedConvolution)
    settings.global_pooling = reader->GetSingleArgument<bool>("global_pooling", false);
  const size_t rank = settings.kernel.size();
  if (settings.stride.empty()) settings.stride.resize(rank, 1);
  if (settings.dilation.empty()) settings.dilation.resize(rank, 1);
  if (settings.adjust.empty()) settings.adjust.resize(rank, 0);
  if (settings.pads.empty()) settings.pads.resize(2 * rank, 0);
  if (reader->status().ok()) reader->Fail(settings.Verify(use));
  settings.status = reader->status();
  return settings;
}

void StateWindowArguments(OpSchema& schema, WindowUse use) {
  const auto sizes = [&](absl::string_view name, absl::string_view what) {
    schema.OptionalArg<int64_t>(name, absl::StrCat(what, ", of both dimensions of a 2-D window"))
        .OptionalArg<std::vector<int64_t>>(
            absl::StrCat(name, "s"), absl::StrCat(what, ", one number for each spatial dimension"))
        .OptionalArg<int64_t>(absl::StrCat(name, "_h"), absl::StrCat(what, ", vertical"))
        .OptionalArg<int64_t>(absl::StrCat(name, "_w"), absl::StrCat(what, ", horizontal"));
  };
  sizes("kernel", "size of the window");
  sizes("stride", "distance from one window to the next (1)");
  sizes("dilation", "distance from one element of a window to the next (1)");
  if (use == WindowUse::kTransposedConvolution)
    sizes("adj", "rows that are added to the output's end, at most the stride (0)");
  schema.OptionalArg<int64_t>("pad", "padding on all four sides (0)")
      .OptionalArg<std::vector<int64_t>>(
          "pads", "padding at the beginning of each spatial dimension, then at the end of each")
      .OptionalArg<int64_t>("pad_t", "padding at the top; pad_t, pad_l, pad_b, pad_r go together")
      .OptionalArg<int64_t>("pad_l", "padding on the left")
      .OptionalArg<int64_t>("pad_b", "padding at the bottom")
      .OptionalArg<int64_t>("pad_r", "padding on the right")
      .Arg<int>("legacy_pad",
                "0: pads as given; 1 (VALID): none; 2 (SAME): as many as give in / stride outputs, "
                "rounded up; 3 (CAFFE_LEGACY_POOLING): the number of outputs is rounded up",
                0)
      .FillUsing(StateStorageOrder);
  if (use != WindowUse::kPool) {
    schema.Arg<int>("group", "channels are cut into so many groups that have nothing in common", 1);
  }
  if (use != WindowUse::kTransposedConvolution) {
    schema.Arg<bool>("global_pooling", "the window is the whole image; pads 0 and strides 1",
                     false);
  }
  for (const char* ignored : {"exhaustive_search", "cudnn_exhaustive_search", "use_cudnn",
                              "shared_buffer", "float16_compute"}) {
    schema.OptionalArg<int64_t>(ignored, "accepted and ignored");
  }
}

}  // namespace doppio
