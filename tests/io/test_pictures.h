#ifndef DOPPIO_TESTS_IO_TEST_PICTURES_H_
#define DOPPIO_TESTS_IO_TEST_PICTURES_H_

#include <cstdint>
#include <string>
#include <vector>

namespace doppio {

// What the readers of pictures are tested with; made by libpng and libjpeg themselves.
struct PngForm {
  uint32_t width = 0;
  uint32_t height = 0;
  int bits = 8;
  int color_type = 2;  // PNG_COLOR_TYPE_RGB
  bool interlaced = false;
  std::vector<uint8_t> palette;      // three bytes for each colour
  std::vector<uint8_t> transparent;  // alpha of the first colours of the palette
};
std::string EncodePng(const PngForm& form, const std::vector<uint8_t>& rows);

struct JpegForm {
  uint32_t width = 0;
  uint32_t height = 0;
  int components = 3;  // 1: gray, 3: RGB, 4: CMYK
  int quality = 100;
  bool progressive = false;
};
std::string EncodeJpeg(const JpegForm& form, const std::vector<uint8_t>& pixels);

}  // namespace doppio

#endif  // DOPPIO_TESTS_IO_TEST_PICTURES_H_
