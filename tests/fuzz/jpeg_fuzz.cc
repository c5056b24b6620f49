#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/picture_bytes.h"
#include "tests/io/test_pictures.h"

namespace doppio {
namespace {

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  for (const bool progressive : {false, true}) {
    for (const int components : {1, 3, 4}) {
      JpegForm form;
      form.width = 9;
      form.height = 10;
      form.components = components;
      form.quality = 60;
      form.progressive = progressive;
      std::vector<uint8_t> pixels(static_cast<size_t>(90 * components));
      for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<uint8_t>(i * 37);
      seeds.push_back(EncodeJpeg(form, pixels));
    }
  }
  return seeds;
}

DOPPIO_FUZZ_TARGET(jpeg, Seeds, TryPictureBytes);

}  // namespace
}  // namespace doppio
