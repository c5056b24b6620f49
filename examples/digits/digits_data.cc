#include "examples/digits/digits_data.h"

#include <zlib.h>

#include <array>
#include <memory>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace digits {
namespace {

constexpr float kInk = 16;  // the largest value of a pixel in the file
constexpr int kLineBytes = 1024;

absl::Status ParseLine(absl::string_view line, Examples* examples) {
  const std::vector<absl::string_view> fields = absl::StrSplit(absl::StripSuffix(line, "\n"), ',');
  if (fields.size() != kPixels + 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(fields.size(), " values, but a line has ", kPixels + 1));
  }
  std::array<float, kPixels> picture;
  for (int i = 0; i <= kPixels; ++i) {
    int value;
    const int most = i < kPixels ? static_cast<int>(kInk) : 9;
    if (!absl::SimpleAtoi(fields[i], &value) || value < 0 || value > most) {
      return absl::InvalidArgumentError(
          absl::StrCat("value ", i, " is \"", fields[i], "\", not a number from 0 to ", most));
    }
    if (i < kPixels) picture[i] = static_cast<float>(value) / kInk;
    if (i == kPixels) examples->Add(picture.data(), value);
  }
  return absl::OkStatus();
}

}  // namespace

void Examples::Add(const float* picture, int32_t label) {
  pixels.insert(pixels.end(), picture, picture + kPixels);
  labels.push_back(label);
}

absl::StatusOr<doppio::Tensor> Examples::Data(absl::Span<const size_t> which) const {
  DOPPIO_ASSIGN_OR_RETURN(doppio::Tensor data,
                          doppio::Tensor::Create(doppio::DataType::kFloat,
                                                 {static_cast<int64_t>(which.size()), kPixels}));
  float* out = data.mutable_data<float>();
  for (const size_t i : which) {
    out = std::copy_n(pixels.data() + i * kPixels, kPixels, out);
  }
  return data;
}

absl::StatusOr<doppio::Tensor> Examples::Labels(absl::Span<const size_t> which) const {
  DOPPIO_ASSIGN_OR_RETURN(
      doppio::Tensor tensor,
      doppio::Tensor::Create(doppio::DataType::kInt32, {static_cast<int64_t>(which.size())}));
  int32_t* out = tensor.mutable_data<int32_t>();
  for (const size_t i : which) *out++ = labels[i];
  return tensor;
}

absl::StatusOr<Split> LoadDigits(const std::string& path) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (file == nullptr) return absl::NotFoundError(absl::StrCat("can not open ", path));
  Split split;
  char line[kLineBytes];
  for (int number = 1; gzgets(file.get(), line, sizeof line) != nullptr; ++number) {
    const absl::Status parsed = ParseLine(line, number % 5 == 0 ? &split.test : &split.train);
    DOPPIO_RETURN_IF_ERROR(doppio::Annotate(parsed, absl::StrCat(path, ":", number)));
  }
  int error = Z_OK;
  const char* what = gzerror(file.get(), &error);
  if (error != Z_OK && error != Z_STREAM_END) {
    return absl::DataLossError(absl::StrCat(path, ": ", what));
  }
  if (split.test.size() == 0) return absl::DataLossError(absl::StrCat(path, ": too few lines"));
  return split;
}

}  // namespace digits
