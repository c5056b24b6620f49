#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "tools/command/canvas.h"

namespace doppio::tools {
namespace {

std::string Escaped(const std::string& text) {
  std::string escaped;
  for (const char letter : text) {
    switch (letter) {
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '&':
        escaped += "&amp;";
        break;
      default:
        escaped += letter;
    }
  }
  return escaped;
}

class SvgCanvas final : public Canvas {
 public:
  SvgCanvas(int width, int height) {
    svg_ = absl::StrFormat(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
        "font-family=\"Helvetica,Arial,sans-serif\" font-size=\"12\">\n"
        "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n",
        width, height);
  }

  void Line(const Points& points, uint32_t color, double width) override {
    std::vector<std::string> places;
    for (const auto& [x, y] : points) places.push_back(absl::StrFormat("%.1f,%.1f", x, y));
    absl::StrAppendFormat(
        &svg_, "<polyline points=\"%s\" fill=\"none\" stroke=\"#%06x\" stroke-width=\"%g\"/>\n",
        absl::StrJoin(places, " "), color, width);
  }

  void Text(double x, double y, Anchor anchor, uint32_t color, const std::string& text) override {
    const char* const anchors[] = {"start", "middle", "end"};
    absl::StrAppendFormat(
        &svg_, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" fill=\"#%06x\">%s</text>\n", x, y,
        anchors[static_cast<int>(anchor)], color, Escaped(text));
  }

  absl::StatusOr<std::string> Finish() override { return svg_ + "</svg>\n"; }

 private:
  std::string svg_;
};

}  // namespace

std::unique_ptr<Canvas> MakeSvgCanvas(int width, int height) {
  return std::make_unique<SvgCanvas>(width, height);
}

}  // namespace doppio::tools
