#ifndef DOPPIO_TOOLS_COMMAND_DOT_H_
#define DOPPIO_TOOLS_COMMAND_DOT_H_

#include <string>

#include "doppio/status.h"

namespace doppio::tools {

// Has `dot` draw to a file in `format` ("svg", "png", "pdf"). Names from nets reach it on its
// standard input only. NotFound where there is no `dot`.
absl::Status DrawWithGraphviz(const std::string& dot_text, const std::string& format,
                              const std::string& path);

}  // namespace doppio::tools

#endif  // DOPPIO_TOOLS_COMMAND_DOT_H_
