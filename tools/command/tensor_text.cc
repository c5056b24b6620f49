#include "tools/command/tensor_text.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"
#include "tools/command/table.h"

namespace doppio::tools {
namespace {

constexpr int64_t kShownValues = 10;
constexpr size_t kShownCharacters = 40;

// `visit(i, value)` for the first `count` elements of a tensor of numbers; value is the widest type
// of its kind, so that an int64 loses nothing.
template <typename Visit>
void ForNumbers(const Tensor& tensor, int64_t count, const Visit& visit) {
  DispatchType(AllNumericTypes(), tensor.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* data = tensor.data<T>();
    for (int64_t i = 0; i < count; ++i) {
      if constexpr (std::is_integral_v<T>) {
        visit(static_cast<int64_t>(data[i]));
      } else if constexpr (std::is_same_v<T, double>) {
        visit(data[i]);
      } else {
        visit(static_cast<float>(data[i]));
      }
    }
    return absl::OkStatus();
  }).IgnoreError();  // strings have no numbers
}

std::string Number(double value) { return absl::StrFormat("%.6g", value); }
std::string Number(int64_t value) { return absl::StrCat(value); }

}  // namespace

TensorSummary Summarize(const Tensor& tensor) {
  TensorSummary summary;
  double sum = 0;
  int64_t finite = 0;
  double min = 0;
  double max = 0;
  ForNumbers(tensor, tensor.numel(), [&](auto element) {
    const double value = static_cast<double>(element);
    if (std::isnan(value)) {
      ++summary.nans;
    } else if (std::isinf(value)) {
      ++summary.infinities;
    } else {
      min = finite == 0 ? value : std::min(min, value);
      max = finite == 0 ? value : std::max(max, value);
      sum += value;
      ++finite;
    }
  });
  if (finite > 0) {
    summary.min = min;
    summary.max = max;
    summary.mean = sum / static_cast<double>(finite);
  }
  return summary;
}

std::string FirstValues(const Tensor& tensor, int64_t most) {
  const int64_t shown = std::min(tensor.numel(), most);
  std::string text;
  const auto add = [&](absl::string_view value) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", value);
  };
  if (tensor.Is<std::string>()) {
    for (const std::string& value : tensor.span<std::string>().first(static_cast<size_t>(shown))) {
      add(absl::StrCat("\"", Shortened(absl::CHexEscape(value), kShownCharacters), "\""));
    }
  } else {
    ForNumbers(tensor, shown, [&](auto value) { add(Number(value)); });
  }
  if (tensor.numel() > shown) absl::StrAppend(&text, ", ... (", tensor.numel(), ")");
  return text;
}

std::string DescribeTensor(absl::string_view name, const Tensor& tensor) {
  std::string text = absl::StrCat(Printable(name), ": ", tensor.TypeAndShape());
  const TensorSummary summary = Summarize(tensor);
  if (summary.mean && tensor.numel() > 1) {
    absl::StrAppend(&text, ", min ", Number(*summary.min), ", max ", Number(*summary.max),
                    ", mean ", Number(*summary.mean));
  }
  if (summary.nans > 0) absl::StrAppend(&text, ", ", summary.nans, " NaN");
  if (summary.infinities > 0) absl::StrAppend(&text, ", ", summary.infinities, " infinite");
  text += '\n';
  if (tensor.numel() > 0) absl::StrAppend(&text, "  ", FirstValues(tensor, kShownValues), "\n");
  return text;
}

std::string DescribeBlob(absl::string_view name, const Blob& blob) {
  const Tensor* tensor = blob.Get<Tensor>();
  if (tensor != nullptr) return DescribeTensor(name, *tensor);
  std::string text = absl::StrCat(Printable(name), ": ", blob.TypeName(), "\n");
  if (const std::string* value = blob.Get<std::string>()) {
    absl::StrAppend(&text, "  \"", Shortened(absl::CHexEscape(*value), 2 * kShownCharacters),
                    "\"\n");
  }
  return text;
}

void TensorTypeToJson(const Tensor& tensor, JsonWriter* json) {
  json->Field("dtype", DataTypeName(tensor.dtype())).ListField("shape", tensor.dims());
  json->Field("bytes", tensor.bytes());
}

void TensorToJson(const Tensor& tensor, JsonWriter* json) {
  TensorTypeToJson(tensor, json);
  const TensorSummary summary = Summarize(tensor);
  const auto number = [&](absl::string_view key, const std::optional<double>& value) {
    json->Key(key);
    value ? json->Value(*value) : json->Null();
  };
  if (!tensor.Is<std::string>()) {
    number("min", summary.min);
    number("max", summary.max);
    number("mean", summary.mean);
    json->Field("nan", summary.nans).Field("infinite", summary.infinities);
  }
  const int64_t shown = std::min(tensor.numel(), kShownValues);
  if (tensor.Is<std::string>()) {
    json->ListField("first", tensor.span<std::string>().first(static_cast<size_t>(shown)));
    return;
  }
  json->Key("first").BeginArray();
  ForNumbers(tensor, shown, [&](auto value) { json->Value(value); });
  json->EndArray();
}

}  // namespace doppio::tools
