#ifndef DOPPIO_TOOLS_COMMAND_PIXEL_FONT_H_
#define DOPPIO_TOOLS_COMMAND_PIXEL_FONT_H_

namespace doppio::tools {

constexpr int kGlyphWidth = 5;
constexpr int kGlyphHeight = 9;  // two rows of it below the line
constexpr int kGlyphBase = 6;    // the last row above

// Whether a letter has ink at a column and row. Letters, digits and some marks are there; others
// are a box.
bool GlyphHas(char letter, int x, int y);

}  // namespace doppio::tools

#endif  // DOPPIO_TOOLS_COMMAND_PIXEL_FONT_H_
