#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/picture_bytes.h"
#include "tests/io/test_pictures.h"

namespace doppio {
namespace {

// Every kind of pixel that the format has.
std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  for (const bool interlaced : {false, true}) {
    for (const int color_type : {0, 2, 3, 4, 6}) {
      for (const int bits : {1, 2, 4, 8, 16}) {
        const bool has_few = color_type == 0 || color_type == 3;
        if ((bits < 8 && !has_few) || (bits == 16 && color_type == 3)) continue;
        PngForm form;
        form.width = 5;
        form.height = 3;
        form.bits = bits;
        form.color_type = color_type;
        form.interlaced = interlaced;
        if (color_type == 3) form.palette = {1, 2, 3, 40, 50, 60};
        if (color_type == 3 && bits == 8) form.transparent = {128};
        const int channels = color_type == 2 ? 3 : color_type == 4 ? 2 : color_type == 6 ? 4 : 1;
        const size_t row = (5 * static_cast<size_t>(channels * bits) + 7) / 8;
        std::vector<uint8_t> rows(3 * row, color_type == 3 ? 0 : 77);
        seeds.push_back(EncodePng(form, rows));
      }
    }
  }
  return seeds;
}

DOPPIO_FUZZ_TARGET(png, Seeds, TryPictureBytes);

}  // namespace
}  // namespace doppio
