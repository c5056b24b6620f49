#include <algorithm>
#include <cmath>

#include "doppio/image.h"
#include "tools/command/canvas.h"
#include "tools/command/pixel_font.h"

namespace doppio::tools {
namespace {

constexpr int kScale = 2;      // pixels of a unit
constexpr int kGlyphUnit = 3;  // pixels of a glyph's

class PngCanvas final : public Canvas {
 public:
  PngCanvas(int width, int height)
      : width_(width * kScale),
        height_(height * kScale),
        pixels_(static_cast<size_t>(width_) * static_cast<size_t>(height_) * 3, 255) {}

  void Line(const Points& points, uint32_t color, double width) override {
    for (size_t i = 1; i < points.size(); ++i) {
      Segment(points[i - 1].first * kScale, points[i - 1].second * kScale, points[i].first * kScale,
              points[i].second * kScale, color, width * kScale / 2);
    }
  }

  void Text(double x, double y, Anchor anchor, uint32_t color, const std::string& text) override {
    const int advance = (kGlyphWidth + 1) * kGlyphUnit;
    const int length = advance * static_cast<int>(text.size());
    int left = static_cast<int>(std::lround(x * kScale));
    if (anchor != Anchor::kStart) left -= anchor == Anchor::kEnd ? length : length / 2;
    const int top = static_cast<int>(std::lround(y * kScale)) - (kGlyphBase + 1) * kGlyphUnit;
    for (const char letter : text) {
      for (int row = 0; row < kGlyphHeight * kGlyphUnit; ++row) {
        for (int column = 0; column < kGlyphWidth * kGlyphUnit; ++column) {
          if (!GlyphHas(letter, column / kGlyphUnit, row / kGlyphUnit)) continue;
          Mix(left + column, top + row, color, 1);
        }
      }
      left += advance;
    }
  }

  absl::StatusOr<std::string> Finish() override {
    DOPPIO_ASSIGN_OR_RETURN(const Tensor picture,
                            Tensor::FromSpan<uint8_t>(Dims{height_, width_, 3}, pixels_));
    return FormatPng(picture);
  }

 private:
  // How much of a pixel is covered goes by how far its middle is from the segment.
  void Segment(double x0, double y0, double x1, double y1, uint32_t color, double radius) {
    const double dx = x1 - x0, dy = y1 - y0;
    const double square = std::max(dx * dx + dy * dy, 1e-12);
    const double reach = radius + 1;
    const auto from = [&](double a, double b) {
      return static_cast<int>(std::floor(std::max(std::min(a, b) - reach, 0.0)));
    };
    const auto to = [&](double a, double b, int size) {
      return static_cast<int>(std::ceil(std::min(std::max(a, b) + reach, size - 1.0)));
    };
    for (int y = from(y0, y1); y <= to(y0, y1, height_); ++y) {
      for (int x = from(x0, x1); x <= to(x0, x1, width_); ++x) {
        const double px = x + 0.5 - x0, py = y + 0.5 - y0;
        const double at = std::clamp((px * dx + py * dy) / square, 0.0, 1.0);
        const double distance = std::hypot(px - at * dx, py - at * dy);
        Mix(x, y, color, std::clamp(radius + 0.5 - distance, 0.0, 1.0));
      }
    }
  }

  void Mix(int x, int y, uint32_t color, double share) {
    if (share == 0 || x < 0 || y < 0 || x >= width_ || y >= height_) return;
    uint8_t* pixel = &pixels_[3 * (static_cast<size_t>(y) * static_cast<size_t>(width_) +
                                   static_cast<size_t>(x))];
    for (int channel = 0; channel < 3; ++channel) {
      const double wanted = color >> (16 - 8 * channel) & 0xff;
      pixel[channel] =
          static_cast<uint8_t>(std::lround(pixel[channel] + share * (wanted - pixel[channel])));
    }
  }

  const int width_, height_;  // in pixels
  std::vector<uint8_t> pixels_;
};

}  // namespace

std::unique_ptr<Canvas> MakePngCanvas(int width, int height) {
  return std::make_unique<PngCanvas>(width, height);
}

}  // namespace doppio::tools
