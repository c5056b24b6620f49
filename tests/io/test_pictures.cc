#include "tests/io/test_pictures.h"

#include <png.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
// libjpeg's header needs those before it.
#include <jpeglib.h>

namespace doppio {

// Errors end the test: the pictures made here are good ones.
std::string EncodePng(const PngForm& form, const std::vector<uint8_t>& rows) {
  std::string bytes;
  png_structp png = png_create_write_struct(
      PNG_LIBPNG_VER_STRING, nullptr, [](png_structp, png_const_charp) { std::abort(); }, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(
      png, &bytes,
      [](png_structp writer, png_bytep data, size_t size) {
        static_cast<std::string*>(png_get_io_ptr(writer))
            ->append(reinterpret_cast<const char*>(data), size);
      },
      nullptr);
  png_set_IHDR(png, info, form.width, form.height, form.bits, form.color_type,
               form.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  std::vector<png_color> palette;
  for (size_t i = 0; i + 2 < form.palette.size(); i += 3) {
    palette.push_back({form.palette[i], form.palette[i + 1], form.palette[i + 2]});
  }
  if (!palette.empty()) png_set_PLTE(png, info, palette.data(), static_cast<int>(palette.size()));
  if (!form.transparent.empty()) {
    png_set_tRNS(png, info, form.transparent.data(), static_cast<int>(form.transparent.size()),
                 nullptr);
  }
  png_write_info(png, info);
  std::vector<png_bytep> pointers(form.height);
  const size_t row = rows.size() / form.height;
  for (size_t i = 0; i < form.height; ++i) {
    pointers[i] = const_cast<png_bytep>(rows.data() + i * row);
  }
  png_write_image(png, pointers.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return bytes;
}

std::string EncodeJpeg(const JpegForm& form, const std::vector<uint8_t>& pixels) {
  jpeg_compress_struct jpeg = {};
  jpeg_error_mgr errors = {};
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* data = nullptr;
  unsigned long size = 0;  // NOLINT: libjpeg's type
  jpeg_mem_dest(&jpeg, &data, &size);
  jpeg.image_width = form.width;
  jpeg.image_height = form.height;
  jpeg.input_components = form.components;
  jpeg.in_color_space = form.components == 1   ? JCS_GRAYSCALE
                        : form.components == 4 ? JCS_CMYK
                                               : JCS_RGB;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, form.quality, TRUE);
  // Every pixel has colours of its own.
  for (int i = 0; i < jpeg.num_components; ++i) {
    jpeg.comp_info[i].h_samp_factor = jpeg.comp_info[i].v_samp_factor = 1;
  }
  if (form.progressive) jpeg_simple_progression(&jpeg);
  jpeg_start_compress(&jpeg, TRUE);
  const size_t row = static_cast<size_t>(form.width) * static_cast<size_t>(form.components);
  while (jpeg.next_scanline < jpeg.image_height) {
    auto* line = const_cast<JSAMPROW>(pixels.data() + jpeg.next_scanline * row);
    jpeg_write_scanlines(&jpeg, &line, 1);
  }
  jpeg_finish_compress(&jpeg);
  std::string bytes(reinterpret_cast<const char*>(data), size);
  jpeg_destroy_compress(&jpeg);
  std::free(data);
  return bytes;
}

}  // namespace doppio
