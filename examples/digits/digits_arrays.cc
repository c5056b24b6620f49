// Writes the digits as arrays, for programs that read arrays.
//
//   digits_arrays FOLDER OUT
//
// FOLDER holds digits.csv.gz. Written to OUT (a folder): train_data.npy, [N,1,8,8] float, and
// train_label.npy, [N] int32; test_data.npy and test_label.npy are those of every fifth picture.

#include <filesystem>
#include <iostream>
#include <numeric>

#include "doppio/tensor_io.h"
#include "examples/digits/digits_data.h"

namespace digits {
namespace {

constexpr int64_t kSide = 8;

absl::Status Write(const Examples& examples, const std::filesystem::path& out,
                   const std::string& name) {
  std::vector<size_t> all(examples.size());
  std::iota(all.begin(), all.end(), size_t{0});
  DOPPIO_ASSIGN_OR_RETURN(doppio::Tensor data, examples.Data(all));
  DOPPIO_RETURN_IF_ERROR(
      data.Reshape(doppio::Dims{static_cast<int64_t>(all.size()), 1, kSide, kSide}));
  DOPPIO_RETURN_IF_ERROR(doppio::SaveTensor(data, (out / (name + "_data.npy")).string()));
  DOPPIO_ASSIGN_OR_RETURN(const doppio::Tensor labels, examples.Labels(all));
  return doppio::SaveTensor(labels, (out / (name + "_label.npy")).string());
}

absl::Status WriteAll(const std::filesystem::path& folder, const std::filesystem::path& out) {
  DOPPIO_ASSIGN_OR_RETURN(const Split digits, LoadDigits((folder / "digits.csv.gz").string()));
  DOPPIO_RETURN_IF_ERROR(Write(digits.train, out, "train"));
  DOPPIO_RETURN_IF_ERROR(Write(digits.test, out, "test"));
  std::cout << digits.train.size() << " pictures to train with, " << digits.test.size()
            << " to test with\n";
  return absl::OkStatus();
}

}  // namespace
}  // namespace digits

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: digits_arrays FOLDER OUT\n"
                 "e.g.   digits_arrays examples/digits .\n";
    return 2;
  }
  const absl::Status status = digits::WriteAll(argv[1], argv[2]);
  if (!status.ok()) std::cerr << "digits_arrays: " << status.message() << "\n";
  return status.ok() ? 0 : 1;
}
