#include "ops/onnx/resize_taps.h"

#include <cmath>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace doppio {
namespace {

template <typename Value>
Value ReadChoice(ArgumentReader* args, const char* name,
                 std::initializer_list<std::pair<const char*, Value>> choices) {
  const std::string given = args->GetSingleArgument<std::string>(name);
  std::string names;
  for (const auto& [choice, value] : choices) {
    if (given == choice) return value;
    absl::StrAppend(&names, names.empty() ? "" : ", ", choice);
  }
  args->Fail(absl::InvalidArgumentError(
      absl::StrCat(name, " is \"", given, "\", must be one of ", names)));
  return choices.begin()->second;
}

}  // namespace

ResizeRule::ResizeRule(ArgumentReader* args)
    : mode_(ReadChoice<Mode>(
          args, "mode",
          {{"nearest", Mode::kNearest}, {"linear", Mode::kLinear}, {"cubic", Mode::kCubic}})),
      transformation_(
          ReadChoice<Transformation>(args, "coordinate_transformation_mode",
                                     {{"half_pixel", Transformation::kHalfPixel},
                                      {"pytorch_half_pixel", Transformation::kPytorchHalfPixel},
                                      {"align_corners", Transformation::kAlignCorners},
                                      {"asymmetric", Transformation::kAsymmetric},
                                      {"tf_half_pixel_for_nn", Transformation::kTfHalfPixelForNn},
                                      {"tf_crop_and_resize", Transformation::kTfCropAndResize}})),
      rounding_(ReadChoice<Rounding>(args, "nearest_mode",
                                     {{"round_prefer_floor", Rounding::kPreferFloor},
                                      {"round_prefer_ceil", Rounding::kPreferCeil},
                                      {"floor", Rounding::kFloor},
                                      {"ceil", Rounding::kCeil}})),
      cubic_a_(args->GetSingleArgument<float>("cubic_coeff_a")),
      exclude_outside_(args->GetSingleArgument<bool>("exclude_outside")) {}

double ResizeRule::PlaceOf(int64_t o, const ResizedAxis& axis) const {
  const auto at = static_cast<double>(o);
  const auto last = static_cast<double>(axis.in - 1);
  switch (transformation_) {
    case Transformation::kPytorchHalfPixel:
      if (axis.out == 1) return 0;
      [[fallthrough]];
    case Transformation::kHalfPixel:
      return (at + 0.5) / axis.scale - 0.5;
    case Transformation::kAlignCorners:
      return axis.length() == 1 ? 0 : at * last / (axis.length() - 1);
    case Transformation::kAsymmetric:
      return at / axis.scale;
    case Transformation::kTfHalfPixelForNn:
      return (at + 0.5) / axis.scale;
    case Transformation::kTfCropAndResize:
      if (axis.out == 1) return 0.5 * (axis.start + axis.end) * last;
      return axis.start * last +
             at * (axis.end - axis.start) * last / static_cast<double>(axis.out - 1);
  }
  return 0;
}

bool ResizeRule::IsOutside(int64_t o, const ResizedAxis& axis) const {
  const double place = PlaceOf(o, axis);
  return !(place >= 0 && place <= static_cast<double>(axis.in - 1));
}

int64_t ResizeRule::Nearest(double place) const {
  const double floor = std::floor(place);
  const double rest = place - floor;
  bool is_above = false;
  switch (rounding_) {
    case Rounding::kPreferFloor:
      is_above = rest > 0.5;
      break;
    case Rounding::kPreferCeil:
      is_above = rest >= 0.5;
      break;
    case Rounding::kFloor:
      break;
    case Rounding::kCeil:
      is_above = rest > 0;
      break;
  }
  return static_cast<int64_t>(floor) + (is_above ? 1 : 0);
}

void ResizeRule::FindTaps(const ResizedAxis& axis, ResampleTaps* taps) const {
  const int count = mode_ == Mode::kNearest ? 1 : mode_ == Mode::kLinear ? 2 : 4;
  taps->Start(axis.out, count);
  const double a = cubic_a_;
  // Of an element so far away: nearer than 1, and nearer than 2.
  const auto near = [a](double d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
  const auto far = [a](double d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
  for (int64_t o = 0; o < axis.out; ++o) {
    if (crops() && IsOutside(o, axis)) {
      for (int tap = 0; tap < count; ++tap) taps->Set(o, tap, 0, 0, axis.in);
      continue;
    }
    const double place = PlaceOf(o, axis);
    if (mode_ == Mode::kNearest) {
      taps->Set(o, 0, Nearest(place), 1, axis.in);
      continue;
    }
    const auto floor = static_cast<int64_t>(std::floor(place));
    const double rest = place - static_cast<double>(floor);
    double weights[4] = {1 - rest, rest, 0, 0};
    int64_t first = floor;
    if (mode_ == Mode::kCubic) {
      first = floor - 1;
      weights[0] = far(rest + 1);
      weights[1] = near(rest);
      weights[2] = near(1 - rest);
      weights[3] = far(2 - rest);
    }
    double sum = 1;
    if (exclude_outside_) {
      sum = 0;
      for (int tap = 0; tap < count; ++tap) {
        if (first + tap < 0 || first + tap >= axis.in) weights[tap] = 0;
        sum += weights[tap];
      }
    }
    for (int tap = 0; tap < count; ++tap) {
      taps->Set(o, tap, first + tap, weights[tap] / sum, axis.in);
    }
  }
}

}  // namespace doppio
