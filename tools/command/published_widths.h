#ifndef DOPPIO_TOOLS_COMMAND_PUBLISHED_WIDTHS_H_
#define DOPPIO_TOOLS_COMMAND_PUBLISHED_WIDTHS_H_

namespace doppio::tools {

// tools/command/data/published_widths.txt, which is compiled in.
extern const char kPublishedWidths[];

}  // namespace doppio::tools

#endif  // DOPPIO_TOOLS_COMMAND_PUBLISHED_WIDTHS_H_
