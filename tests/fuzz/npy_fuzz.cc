#include "doppio/npy.h"
#include "gtest/gtest.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/seed_tensors.h"
#include "tests/support/tensor_match.h"
#include "tests/support/tight_limits.h"

namespace doppio {
namespace {

// The text with the zeros in it.
template <size_t kSize>
std::string Bytes(const char (&text)[kSize]) {
  return std::string(text, kSize - 1);
}

std::string Npy(absl::string_view head, absl::string_view data) {
  const std::string header = absl::StrCat("{", head, "}\n");
  return absl::StrCat(Bytes("\x93NUMPY\x01\x00"), std::string(1, static_cast<char>(header.size())),
                      Bytes("\x00"), header, data);
}

// As NumPy writes two objects, whose instructions these are.
std::string Pickled(const std::string& elements) {
  const std::string array = Bytes(
      "\x80\x03"
      "cnumpy.core.multiarray\n_reconstruct\nq\x00"
      "cnumpy\nndarray\nq\x01"
      "K\x00\x85q\x02"
      "C\x01"
      "bq\x03\x87q\x04Rq\x05"
      "(K\x01K\x02\x85q\x06"
      "cnumpy\ndtype\nq\x07X\x02\x00\x00\x00O8q\x08\x89\x88\x87q\x09Rq\x0a"
      "(K\x03X\x01\x00\x00\x00|q\x0bNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tq\x0c"
      "b\x89]q\x0d(");
  return Npy("'descr': '|O', 'fortran_order': False, 'shape': (2,), ",
             absl::StrCat(array, elements, "etq\x10", "b."));
}

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds = SeedFiles({".npy"});
  for (const Tensor& tensor : SeedTensors()) {
    const absl::StatusOr<std::string> bytes = FormatNpy(tensor);
    if (bytes.ok()) seeds.push_back(*bytes);
  }
  for (const char* head : {"'descr': '>f4', 'fortran_order': True, 'shape': (2, 2), ",
                           "'descr': '|S3', 'fortran_order': False, 'shape': (2,), ",
                           "'descr': '<U2', 'fortran_order': True, 'shape': (1, 2), "}) {
    seeds.push_back(Npy(head, std::string(16, 'a')));
  }
  // Bytes, one remembered from the first time; text; bytes of Python 2; and as text that is
  // encoded.
  seeds.push_back(
      Pickled(Bytes("C\x02"
                    "abq\x0e"
                    "h\x0e")));
  seeds.push_back(Pickled(Bytes("X\x03\x00\x00\x00\xe5\x9b\xbe\x8c\x01z")));
  seeds.push_back(
      Pickled(Bytes("U\x02\xff"
                    "aU\x00")));
  seeds.push_back(
      Pickled(Bytes("c_codecs\nencode\nX\x03\x00\x00\x00\xc3\xbfzX\x06\x00\x00\x00"
                    "latin1\x86Rc__builtin__\nbytes\n)R")));
  return seeds;
}

void Try(absl::string_view bytes) {
  const absl::StatusOr<Tensor> tensor = ParseNpy(bytes, SmallLimits());
  if (!tensor.ok()) return;
  Touch(*tensor);
  const absl::StatusOr<std::string> written = FormatNpy(*tensor);
  if (!written.ok()) return;  // a string that is not UTF-8
  const absl::StatusOr<Tensor> read = ParseNpy(*written);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(TensorBitsEqual(*read, *tensor));
}

DOPPIO_FUZZ_TARGET(npy, Seeds, Try);

}  // namespace
}  // namespace doppio
