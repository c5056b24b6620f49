#include "doppio/image.h"

#include <png.h>
#include <zlib.h>

#include "doppio/cancellation.h"
#include "tests/io/test_files.h"
#include "tests/io/test_pictures.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

using testing::ElementsAre;

// Pixels of soft slopes, which JPEG hardly changes.
std::vector<uint8_t> Slopes(int64_t height, int64_t width, int64_t channels) {
  std::vector<uint8_t> pixels;
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      for (int64_t c = 0; c < channels; ++c) {
        pixels.push_back(static_cast<uint8_t>(40 + 3 * y + 2 * x + 30 * c));
      }
    }
  }
  return pixels;
}

Tensor Picture(int64_t height, int64_t width, int64_t channels) {
  return *Tensor::FromSpan<uint8_t>({height, width, channels}, Slopes(height, width, channels));
}

PngForm Png(uint32_t width, uint32_t height, int color_type, int bits = 8) {
  PngForm form;
  form.width = width;
  form.height = height;
  form.color_type = color_type;
  form.bits = bits;
  return form;
}

TEST(PngTest, ComesBackAsItWasWritten) {
  for (int64_t channels : {3, 4}) {
    const Tensor picture = Picture(5, 7, channels);
    const auto bytes = FormatPng(picture);
    ASSERT_TRUE(bytes.ok()) << bytes.status();
    const auto read = ParseImage(*bytes);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_TRUE(TensorBitsEqual(*read, picture));
    const std::string path = TemporaryPath("picture.dat");  // the name says nothing
    ASSERT_TRUE(SavePng(picture, path).ok());
    const auto loaded = LoadImage(path);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    EXPECT_TRUE(TensorBitsEqual(*loaded, picture));
  }
}

TEST(PngTest, BecomesRedGreenBlueWhateverItIs) {
  const auto gray = ParseImage(EncodePng(Png(2, 1, PNG_COLOR_TYPE_GRAY), {10, 200}));
  ASSERT_TRUE(gray.ok()) << gray.status();
  EXPECT_EQ(gray->TypeAndShape(), "uint8[1,2,3]");
  EXPECT_THAT(gray->span<uint8_t>(), ElementsAre(10, 10, 10, 200, 200, 200));

  const auto bits = ParseImage(EncodePng(Png(3, 1, PNG_COLOR_TYPE_GRAY, 1), {0b10100000}));
  ASSERT_TRUE(bits.ok()) << bits.status();
  EXPECT_THAT(bits->span<uint8_t>(), ElementsAre(255, 255, 255, 0, 0, 0, 255, 255, 255));

  const auto alpha = ParseImage(EncodePng(Png(1, 1, PNG_COLOR_TYPE_GRAY_ALPHA), {9, 77}));
  ASSERT_TRUE(alpha.ok()) << alpha.status();
  EXPECT_THAT(alpha->span<uint8_t>(), ElementsAre(9, 9, 9, 77));

  const auto deep =
      ParseImage(EncodePng(Png(1, 1, PNG_COLOR_TYPE_RGB, 16), {0xff, 0xff, 0x80, 0x80, 0, 0}));
  ASSERT_TRUE(deep.ok()) << deep.status();
  EXPECT_THAT(deep->span<uint8_t>(), ElementsAre(255, 128, 0));
}

TEST(PngTest, LooksUpPalettesAndTheirAlpha) {
  PngForm form = Png(2, 1, PNG_COLOR_TYPE_PALETTE);
  form.palette = {1, 2, 3, 4, 5, 6};
  const auto opaque = ParseImage(EncodePng(form, {1, 0}));
  ASSERT_TRUE(opaque.ok()) << opaque.status();
  EXPECT_THAT(opaque->span<uint8_t>(), ElementsAre(4, 5, 6, 1, 2, 3));
  form.transparent = {99};
  const auto transparent = ParseImage(EncodePng(form, {1, 0}));
  ASSERT_TRUE(transparent.ok()) << transparent.status();
  EXPECT_THAT(transparent->span<uint8_t>(), ElementsAre(4, 5, 6, 255, 1, 2, 3, 99));
}

TEST(PngTest, IsReadInterlaced) {
  PngForm form = Png(13, 9, PNG_COLOR_TYPE_RGB);
  form.interlaced = true;
  const auto read = ParseImage(EncodePng(form, Slopes(9, 13, 3)));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(TensorBitsEqual(*read, Picture(9, 13, 3)));
}

TEST(PngTest, RejectsTensorsThatAreNoPictures) {
  for (const auto& tensor :
       {Tensor::Create(DataType::kUInt8, {1, 1, 2}), Tensor::Create(DataType::kFloat, {1, 1, 3}),
        Tensor::Create(DataType::kUInt8, {3, 3}), Tensor::Create(DataType::kUInt8, {0, 1, 3})}) {
    EXPECT_THAT(FormatPng(*tensor).status(),
                FailsWith(absl::StatusCode::kInvalidArgument, "a picture is uint8"));
  }
  const std::string path = TemporaryPath("none.png");
  EXPECT_FALSE(SavePng(Tensor(), path).ok());
  EXPECT_FALSE(LoadImage(path).ok()) << "a file is left";
}

TEST(JpegTest, IsReadInEveryForm) {
  for (bool progressive : {false, true}) {
    JpegForm form{20, 17, 3, 100, progressive};
    const auto read = ParseImage(EncodeJpeg(form, Slopes(17, 20, 3)));
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->TypeAndShape(), "uint8[17,20,3]");
    const Tensor expected = Picture(17, 20, 3);
    for (int64_t i = 0; i < expected.numel(); ++i) {
      EXPECT_NEAR(read->data<uint8_t>()[i], expected.data<uint8_t>()[i], 3) << i;
    }
  }
}

TEST(JpegTest, BecomesRedGreenBlueWhenGray) {
  const auto read = ParseImage(EncodeJpeg({8, 8, 1, 100, false}, std::vector<uint8_t>(64, 100)));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->TypeAndShape(), "uint8[8,8,3]");
  EXPECT_THAT(read->span<uint8_t>().subspan(0, 3), ElementsAre(100, 100, 100));
}

TEST(JpegTest, RejectsCmyk) {
  EXPECT_THAT(ParseImage(EncodeJpeg({8, 8, 4, 90, false}, Slopes(8, 8, 4))).status(),
              FailsWith(absl::StatusCode::kUnimplemented, "CMYK"));
}

TEST(ImageTest, RejectsWhatIsNoPicture) {
  const std::string path = TemporaryPath("cat.png");
  WriteWholeFile(path, "not a cat");
  EXPECT_THAT(LoadImage(path).status(),
              FailsWith(absl::StatusCode::kInvalidArgument, "cat.png: is no picture"));
  EXPECT_THAT(LoadImage(TemporaryPath("nothing")).status(),
              FailsWith(absl::StatusCode::kNotFound, "nothing"));
}

// The bytes of `number` where a header has them.
void Write32(std::string* bytes, size_t at, uint32_t number) {
  for (size_t i = 0; i < 4; ++i) (*bytes)[at + i] = static_cast<char>(number >> (24 - 8 * i));
}

TEST(ImageTest, RefusesHugePicturesByTheirHeader) {
  std::string png = *FormatPng(Picture(1, 1, 3));
  const std::vector<std::pair<uint32_t, uint32_t>> huge = {
      {100000, 100000}, {0x7fffffff, 0x7fffffff}, {0x7fffffff, 1}, {1, 0x7fffffff}};
  for (const auto& [width, height] : huge) {
    Write32(&png, 16, width);
    Write32(&png, 20, height);
    const auto* header = reinterpret_cast<const Bytef*>(png.data()) + 12;
    Write32(&png, 29, static_cast<uint32_t>(crc32(0, header, 17)));
    EXPECT_THAT(ParseImage(png).status(), FailsWith(absl::StatusCode::kResourceExhausted,
                                                    absl::StrCat(width, " x ", height, " pixels")));
  }

  std::string jpeg = EncodeJpeg({8, 8, 3, 90, false}, Slopes(8, 8, 3));
  const size_t frame = jpeg.find("\xff\xc0") + 5;  // two bytes of height, two of width
  for (size_t i = 0; i < 4; ++i) jpeg[frame + i] = static_cast<char>(i % 2 == 0 ? 0xfd : 0xe8);
  EXPECT_THAT(ParseImage(jpeg).status(),
              FailsWith(absl::StatusCode::kResourceExhausted, "65000 x 65000 pixels"));
}

TEST(ImageTest, EndsWhenTheCallerIsCancelled) {
  const std::string png = *FormatPng(Picture(5, 7, 3));
  const std::string jpeg = EncodeJpeg({8, 8, 3, 90, false}, Slopes(8, 8, 3));
  const Cancellation cancellation;
  const CancellationScope scope(cancellation);
  EXPECT_TRUE(ParseImage(png).ok());
  EXPECT_TRUE(ParseImage(jpeg).ok());
  cancellation.Cancel();
  EXPECT_TRUE(absl::IsCancelled(ParseImage(png).status()));
  EXPECT_TRUE(absl::IsCancelled(ParseImage(jpeg).status()));
}

TEST(ImageTest, KeepsToTheLimitsOfTheCaller) {
  Limits limits;
  limits.max_image_pixels = 34;
  const std::string png = *FormatPng(Picture(5, 7, 3));
  EXPECT_THAT(ParseImage(png, limits).status(),
              FailsWith(absl::StatusCode::kResourceExhausted, "7 x 5 pixels"));
  limits.max_image_pixels = 35;
  EXPECT_TRUE(ParseImage(png, limits).ok());
  limits.max_tensor_bytes = 104;
  EXPECT_FALSE(ParseImage(png, limits).ok());
}

// Whatever is broken: a picture or an error, never a crash, and nothing on stderr.
void ExpectSurvives(const std::string& bytes) {
  testing::internal::CaptureStderr();
  int read = 0;
  ForEachDamage(bytes, 400, 600, [&](const std::string& damaged) {
    const auto picture = ParseImage(damaged);
    if (!picture.ok()) {
      EXPECT_FALSE(picture.status().message().empty());
      return;
    }
    ++read;
    EXPECT_EQ(picture->rank(), 3);
  });
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_LT(read, 600);
}

TEST(ImageTest, SurvivesDamagedPngs) {
  ExpectSurvives(*FormatPng(Picture(9, 12, 4)));
  PngForm form = Png(11, 6, PNG_COLOR_TYPE_PALETTE, 4);
  form.palette = std::vector<uint8_t>(48, 77);
  form.interlaced = true;
  ExpectSurvives(EncodePng(form, std::vector<uint8_t>(36, 0x12)));
}

TEST(ImageTest, SurvivesDamagedJpegs) {
  ExpectSurvives(EncodeJpeg({24, 17, 3, 80, false}, Slopes(17, 24, 3)));
  ExpectSurvives(EncodeJpeg({24, 17, 3, 80, true}, Slopes(17, 24, 3)));
}

TEST(ImageTest, NoticesEveryTruncation) {
  for (const std::string& whole :
       {*FormatPng(Picture(9, 12, 3)), EncodeJpeg({24, 17, 3, 80, true}, Slopes(17, 24, 3)),
        EncodeJpeg({24, 17, 3, 80, false}, Slopes(17, 24, 3))}) {
    ASSERT_TRUE(ParseImage(whole).ok());
    for (size_t size = 0; size < whole.size(); ++size) {
      EXPECT_FALSE(ParseImage(whole.substr(0, size)).ok()) << size << " of " << whole.size();
    }
  }
}

}  // namespace
}  // namespace doppio
