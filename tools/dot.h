#ifndef DOPPIO_TOOLS_DOT_H_
#define DOPPIO_TOOLS_DOT_H_

#include <string>

#include "doppio/net.pb.h"
#include "doppio/status.h"

namespace doppio::tools {

// The net in Graphviz's language: operators are boxes, blobs are ellipses. A blob that is written
// more than once has an ellipse for each of its values.
std::string NetToDot(const NetDef& net);

// Has `dot` draw to a file in `format` ("svg", "png", "pdf"). Names from nets reach it on its
// standard input only. NotFound where there is no `dot`.
absl::Status DrawWithGraphviz(const std::string& dot_text, const std::string& format,
                              const std::string& path);

}  // namespace doppio::tools

#endif  // DOPPIO_TOOLS_DOT_H_
