#ifndef DOPPIO_TOOLS_COMMAND_CANVAS_H_
#define DOPPIO_TOOLS_COMMAND_CANVAS_H_

// What a curve is drawn on: an SVG, or the pixels of a PNG.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "doppio/status.h"

namespace doppio::tools {

using Points = std::vector<std::pair<double, double>>;

enum class Anchor { kStart, kMiddle, kEnd };

// Places are in units of which a letter is about 12 high; colours are 0xRRGGBB.
class Canvas {
 public:
  virtual ~Canvas() = default;
  virtual void Line(const Points& points, uint32_t color, double width) = 0;
  // Letters on the line y, which begin, are centred or end at x.
  virtual void Text(double x, double y, Anchor anchor, uint32_t color, const std::string& text) = 0;
  // The file's content.
  virtual absl::StatusOr<std::string> Finish() = 0;
};

std::unique_ptr<Canvas> MakeSvgCanvas(int width, int height);
std::unique_ptr<Canvas> MakePngCanvas(int width, int height);

}  // namespace doppio::tools

#endif  // DOPPIO_TOOLS_COMMAND_CANVAS_H_
