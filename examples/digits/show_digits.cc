// Prints 8x8 pictures side by side as text, with what a net took them for below.
//
//   show_digits DATA.npy DIGIT.npy [LABEL.npy]
//
// DATA is [N,64], 0 to 1; DIGIT are N whole numbers; LABEL are the right ones.

#include <algorithm>
#include <cstdio>
#include <iostream>

#include "absl/strings/str_format.h"
#include "doppio/tensor_io.h"

namespace {

using doppio::Tensor;

constexpr int64_t kSide = 8;
constexpr int64_t kMost = 8;  // pictures that fit side by side into 80 columns
constexpr absl::string_view kInk = " .:-=+*#%@";

absl::StatusOr<std::vector<int64_t>> Digits(const std::string& path, int64_t count) {
  DOPPIO_ASSIGN_OR_RETURN(const Tensor tensor, doppio::LoadTensor(path));
  std::vector<int64_t> digits;
  for (const int32_t digit : tensor.span<int32_t>()) digits.push_back(digit);
  for (const int64_t digit : tensor.span<int64_t>()) digits.push_back(digit);
  if (static_cast<int64_t>(digits.size()) == count) return digits;
  return absl::InvalidArgumentError(absl::StrCat(
      path, ": ", count, " whole numbers are needed, but this is ", tensor.TypeAndShape()));
}

absl::Status Show(int argc, char** argv) {
  DOPPIO_ASSIGN_OR_RETURN(const Tensor data, doppio::LoadTensor(argv[1]));
  if (!data.Is<float>() || data.rank() != 2 || data.dim(1) != kSide * kSide) {
    return absl::InvalidArgumentError(
        absl::StrCat(argv[1], ": must be float[N,64], but is ", data.TypeAndShape()));
  }
  DOPPIO_ASSIGN_OR_RETURN(const std::vector<int64_t> digits, Digits(argv[2], data.dim(0)));
  std::vector<int64_t> labels = digits;
  if (argc == 4) {
    DOPPIO_ASSIGN_OR_RETURN(labels, Digits(argv[3], data.dim(0)));
  }
  const int64_t shown = std::min(data.dim(0), kMost);
  const float* pixels = data.data<float>();
  for (int64_t y = 0; y < kSide; ++y) {
    for (int64_t n = 0; n < shown; ++n) {
      for (int64_t x = 0; x < kSide; ++x) {
        const float ink = std::clamp(pixels[(n * kSide + y) * kSide + x], 0.0f, 1.0f);
        std::putchar(kInk[static_cast<size_t>(ink * static_cast<float>(kInk.size() - 1) + 0.5f)]);
      }
      std::fputs("  ", stdout);
    }
    std::putchar('\n');
  }
  for (int64_t n = 0; n < shown; ++n) {
    const bool is_right = digits[n] == labels[n];
    const std::string caption = is_right ? absl::StrCat("-> ", digits[n])
                                         : absl::StrCat("-> ", digits[n], " (", labels[n], ")");
    std::fputs(absl::StrFormat("%-10s", caption).c_str(), stdout);
  }
  std::putchar('\n');
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) {
    std::cerr << "usage: show_digits DATA.npy DIGIT.npy [LABEL.npy]\n";
    return 2;
  }
  const absl::Status status = Show(argc, argv);
  if (!status.ok()) std::cerr << "show_digits: " << status.message() << "\n";
  return status.ok() ? 0 : 1;
}
