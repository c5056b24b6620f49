#include "src/kernel/resize_area.h"

#include <cstdint>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace doppio {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;

std::vector<uint8_t> Resized(const std::vector<uint8_t>& pixels, int64_t height, int64_t width,
                             int64_t channels, int64_t new_height, int64_t new_width) {
  std::vector<uint8_t> result(static_cast<size_t>(new_height * new_width * channels));
  ResizeArea({pixels.data(), height, width, channels, width * channels}, new_height, new_width,
             result.data());
  return result;
}

TEST(ResizeAreaTest, TakesMeansOfWholePixels) {
  EXPECT_THAT(Resized({1, 2, 3, 5}, 1, 4, 1, 1, 2), ElementsAre(2, 4));  // halves go to even
  EXPECT_THAT(Resized({1, 2, 4, 7}, 2, 2, 1, 1, 1), ElementsAre(4));     // 3.5, of four: up
  EXPECT_THAT(Resized({0, 10, 20, 30, 40, 50}, 1, 6, 1, 1, 2), ElementsAre(10, 40));
}

TEST(ResizeAreaTest, SharesPixelsAtTheBorders) {
  // 3 to 2: (2 * 10 + 20) / 3, (20 + 2 * 40) / 3.
  EXPECT_THAT(Resized({10, 20, 40}, 1, 3, 1, 1, 2), ElementsAre(13, 33));
}

// What cv2.resize(..., interpolation=cv2.INTER_AREA) of OpenCV 4.6 gives.
TEST(ResizeAreaTest, IsOpenCvsToTheBit) {
  std::vector<uint8_t> pixels;
  for (int i = 0; i < 63; ++i) pixels.push_back(static_cast<uint8_t>((i * i * 31 + i * 7) % 256));
  EXPECT_THAT(Resized(pixels, 7, 9, 1, 3, 4),
              ElementsAreArray({66, 151, 96, 128, 145, 171, 166, 132, 158, 149, 98, 119}));
  EXPECT_THAT(Resized(pixels, 3, 7, 3, 2, 3),
              ElementsAreArray({76, 47, 129, 116, 122, 177, 172, 140, 170, 146, 74, 160, 119, 154,
                                117, 181, 179, 92}));
  EXPECT_THAT(
      Resized(pixels, 3, 7, 3, 5, 8),
      ElementsAreArray({0,   38,  138, 38,  16,  56,  108, 26,  189, 65,  70,  246, 92,  146, 152,
                        188, 182, 55,  171, 105, 137, 186, 60,  252, 83,  43,  150, 67,  40,  87,
                        83,  69,  179, 83,  83,  230, 129, 141, 155, 195, 196, 77,  184, 138, 165,
                        145, 112, 226, 250, 54,  176, 125, 88,  150, 33,  155, 157, 119, 109, 197,
                        203, 132, 161, 209, 225, 120, 211, 204, 222, 64,  216, 174, 213, 31,  168,
                        125, 103, 180, 71,  86,  103, 98,  126, 132, 145, 187, 133, 189, 220, 81,
                        229, 213, 99,  120, 116, 89,  194, 20,  164, 125, 111, 195, 90,  52,  76,
                        87,  135, 99,  117, 215, 119, 180, 218, 62,  239, 217, 37,  148, 66,  46}));
  EXPECT_THAT(
      Resized(pixels, 7, 3, 3, 4, 5),
      ElementsAreArray({6,   64,  183, 40,  75,  135, 109, 97,  37,  135, 76,  140, 149, 66,  192,
                        161, 65,  251, 188, 69,  219, 242, 76,  155, 156, 90,  146, 113, 97,  142,
                        170, 196, 211, 148, 187, 203, 104, 170, 188, 165, 111, 155, 195, 81,  139,
                        134, 173, 127, 150, 164, 95,  179, 148, 32,  142, 137, 72,  124, 132, 92}));
  EXPECT_THAT(Resized(pixels, 7, 9, 1, 9, 4),
              ElementsAreArray({21,  75,  35,  43,  49,  173, 60,  97,  84,  228, 104, 108,
                                114, 242, 154, 114, 102, 191, 187, 230, 201, 130, 184, 66,
                                162, 120, 93,  134, 138, 141, 41,  168, 182, 193, 82,  75}));
}

TEST(ResizeAreaTest, ReadsAPartOfAPicture) {
  const std::vector<uint8_t> pixels = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  std::vector<uint8_t> result(4);
  ResizeArea({pixels.data() + 4, 2, 2, 1, 3}, 2, 2, result.data());
  EXPECT_THAT(result, ElementsAre(5, 6, 8, 9));
}

}  // namespace
}  // namespace doppio
