#include "ops/image/picture_settings.h"

#include <algorithm>
#include <string>
#include <utility>

namespace doppio {
namespace {

// Pictures and their parts have sides below this, so that a batch's sizes can be computed with.
constexpr int64_t kMostPixels = 1 << 20;
constexpr int64_t kMostLabels = int64_t{1} << 40;

void Reject(OperatorInit* init, std::string why) {
  init->Fail(absl::InvalidArgumentError(std::move(why)));
}

std::optional<PictureBox> ReadBox(OperatorInit* init) {
  const PictureBox box = {init->GetSingleArgument<int64_t>("bounding_ymin"),
                          init->GetSingleArgument<int64_t>("bounding_xmin"),
                          init->GetSingleArgument<int64_t>("bounding_height"),
                          init->GetSingleArgument<int64_t>("bounding_width")};
  if (std::min({box.top, box.left, box.height, box.width}) < 0) return std::nullopt;
  return box;
}

// One number for all channels, in the argument `list` or else in `single`, or one for each.
std::vector<float> ReadChannels(OperatorInit* init, absl::string_view single,
                                absl::string_view list) {
  std::vector<float> values = init->GetRepeatedArgument<float>(list);
  if (values.empty()) values = {init->GetSingleArgument<float>(single)};
  if (values.size() == 1) values.resize(3, values[0]);
  if (values.size() != 3) {
    Reject(init, absl::StrCat(list, " has ", values.size(), " numbers, must have 1 or 3"));
    values.resize(3, 1.0F);
  }
  return values;
}

void ReadScales(OperatorInit* init, PictureSettings* settings) {
  settings->scale = std::max<int64_t>(init->GetSingleArgument<int64_t>("scale"), 0);
  settings->minsize = std::max<int64_t>(init->GetSingleArgument<int64_t>("minsize"), 0);
  const std::vector<int64_t> random = init->GetRepeatedArgument<int64_t>("random_scale");
  if (!random.empty() && random.size() != 2) {
    Reject(init, absl::StrCat("random_scale has ", random.size(), " numbers, must have 2"));
    return;
  }
  if (!random.empty() && random[0] != -1 && random[1] != -1) {
    if (random[0] > random[1]) {
      Reject(init, absl::StrCat("random_scale goes from ", random[0], " to ", random[1],
                                ", which is less"));
    }
    settings->random_scale = {random[0], random[1]};
    settings->minsize = random[0];
  }
  if ((settings->scale > 0) == (settings->minsize > 0)) {
    Reject(init, "either scale or minsize (or random_scale) must be given, and above 0");
  }
  const int64_t least = std::max(settings->scale, settings->minsize);
  if (settings->crop < 1 || least < settings->crop) {
    Reject(init,
           absl::StrCat("crop is ", settings->crop,
                        ", must be at least 1 and at most scale or minsize, which is ", least));
  }
  if (std::max(least, settings->random_scale ? settings->random_scale->second : 0) > kMostPixels) {
    Reject(init, absl::StrCat("scale, minsize and random_scale are at most ", kMostPixels));
  }
}

}  // namespace

void StatePictureArguments(OpSchema* schema) {
  schema->Arg<int64_t>("color", "pictures are made blue, green, red (not 0) or gray (0)", 1)
      .Arg<int64_t>("crop", "sides of the square that is cut out; must be given", -1)
      .Arg<int64_t>("scale", "the picture's shorter side before that; or minsize", -1)
      .Arg<int64_t>("minsize", "the same for smaller pictures; larger ones stay as they are", -1)
      .OptionalArg<std::vector<int64_t>>(
          "random_scale", "least and largest minsize, of which each picture is given one by chance")
      .Arg<int64_t>("warp", "not 0: both sides become as long", 0)
      .Arg<int64_t>("mirror", "not 0: half of the pictures, by chance, are mirrored", 0)
      .Arg<int64_t>("is_test", "not 0: nothing by chance, and the middle is cut out", 0)
      .Arg<int64_t>("scale_jitter_type",
                    "1: a part of 8 % to 100 % of the picture, by chance, becomes the square", 0)
      .Arg<int64_t>("color_jitter",
                    "not 0: saturation, brightness and contrast vary, in an order by chance", 0)
      .Arg<float>("img_saturation", "factor of the saturation: 1, and up to this more or less",
                  0.4F)
      .Arg<float>("img_brightness", "the same of the brightness", 0.4F)
      .Arg<float>("img_contrast", "the same of the contrast", 0.4F)
      .Arg<int64_t>("color_lighting", "not 0: colours vary as they do in ImageNet's pictures", 0)
      .Arg<float>("color_lighting_std", "how much: standard deviation of the factors", 0.1F)
      .Arg<float>("mean", "subtracted from all channels", 0.0F)
      .OptionalArg<std::vector<float>>("mean_per_channel", "or 1 or 3 numbers: blue, green, red")
      .Arg<float>("std", "divides all channels after that", 1.0F)
      .OptionalArg<std::vector<float>>("std_per_channel", "or 1 or 3 numbers: blue, green, red")
      .Arg<int64_t>("bounding_ymin", "of the part of a picture that is taken, if none is negative",
                    -1)
      .Arg<int64_t>("bounding_xmin", "its left side", -1)
      .Arg<int64_t>("bounding_height", "its height", -1)
      .Arg<int64_t>("bounding_width", "its width", -1)
      .Arg<int64_t>("use_caffe_datum", "not 0: values of the database are messages CaffeDatum", 0)
      .Arg<int64_t>("label_type",
                    "0: one number, 1: list of labels, 2: numbers, 3: list of labels with weights, "
                    "4: one number and a weight that is not used, 5: as 2",
                    0)
      .Arg<int64_t>("num_labels", "how many labels there are, with label_type 1, 2, 3 and 5", 0)
      .OptionalArg<std::vector<int64_t>>("output_sizes",
                                         "numbers in each of the other outputs; 1 by default");
}

RecordSettings ReadRecordSettings(OperatorInit* init) {
  RecordSettings settings = {};
  settings.is_color = init->GetSingleArgument<int64_t>("color") != 0;
  settings.is_datum = init->GetSingleArgument<int64_t>("use_caffe_datum") != 0;
  const int64_t type = init->GetSingleArgument<int64_t>("label_type");
  if (type < 0 || type > 5) Reject(init, absl::StrCat("label_type is ", type, ", must be 0 to 5"));
  settings.label_type = static_cast<LabelType>(std::clamp<int64_t>(type, 0, 5));
  settings.num_labels = init->GetSingleArgument<int64_t>("num_labels");
  if (!settings.HasSingleLabel() &&
      (settings.num_labels < 1 || settings.num_labels > kMostLabels)) {
    Reject(init, absl::StrCat("num_labels is ", settings.num_labels, ", must be from 1 to ",
                              kMostLabels, " with label_type ", type));
  }
  settings.extra_sizes = init->GetRepeatedArgument<int64_t>("output_sizes");
  const size_t extra = static_cast<size_t>(std::max(init->def().output_size() - 2, 0));
  if (settings.extra_sizes.empty()) settings.extra_sizes.resize(extra, 1);
  if (settings.extra_sizes.size() != extra) {
    Reject(init, absl::StrCat("output_sizes has ", settings.extra_sizes.size(),
                              " numbers, but there are ", extra, " outputs behind the label"));
  }
  for (int64_t size : settings.extra_sizes) {
    if (size < 0 || size > kMostLabels) {
      Reject(init, absl::StrCat("a number of output_sizes is ", size, ", must be from 0 to ",
                                kMostLabels));
    }
  }
  if (settings.is_datum && (!settings.HasSingleLabel() || extra > 0)) {
    Reject(init, absl::StrCat("a CaffeDatum has a picture and a single number as its label, but "
                              "label_type is ",
                              type, " and there are ", extra, " outputs behind the label"));
  }
  settings.box = ReadBox(init);
  return settings;
}

PictureSettings ReadPictureSettings(OperatorInit* init) {
  const auto is_set = [&](absl::string_view name) {
    return init->GetSingleArgument<int64_t>(name) != 0;
  };
  PictureSettings settings = {};
  settings.is_test = is_set("is_test");
  settings.crop = init->GetSingleArgument<int64_t>("crop");
  ReadScales(init, &settings);
  settings.is_warped = is_set("warp");
  settings.is_mirrored = is_set("mirror");
  const int64_t jitter = init->GetSingleArgument<int64_t>("scale_jitter_type");
  if (jitter != 0 && jitter != 1) {
    Reject(init, absl::StrCat("scale_jitter_type is ", jitter, ", must be 0 or 1"));
  }
  settings.is_inception_cropped = jitter == 1;
  settings.has_color_jitter = is_set("color_jitter");
  settings.saturation = init->GetSingleArgument<float>("img_saturation");
  settings.brightness = init->GetSingleArgument<float>("img_brightness");
  settings.contrast = init->GetSingleArgument<float>("img_contrast");
  settings.has_color_lighting = is_set("color_lighting");
  settings.lighting_std = init->GetSingleArgument<float>("color_lighting_std");
  // A range or a deviation that is negative, or no number, is none.
  for (float amount :
       {settings.saturation, settings.brightness, settings.contrast, settings.lighting_std}) {
    if (amount >= 0 && amount <= 1e6F) continue;
    Reject(init, absl::StrCat("img_saturation, img_brightness, img_contrast and "
                              "color_lighting_std must be from 0 to 1e6, but one is ",
                              amount));
  }
  const std::vector<float> mean = ReadChannels(init, "mean", "mean_per_channel");
  const std::vector<float> std = ReadChannels(init, "std", "std_per_channel");
  for (size_t c = 0; c < 3; ++c) {
    if (std[c] == 0) Reject(init, "a std is 0, and divides");
    settings.mean[c] = mean[c];
    settings.inverse_std[c] = 1.0F / std[c];
  }
  return settings;
}

}  // namespace doppio
