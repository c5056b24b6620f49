#ifndef DOPPIO_TOOLS_COMMAND_PIPE_H_
#define DOPPIO_TOOLS_COMMAND_PIPE_H_

#include <string>

#include "doppio/status.h"

namespace doppio::tools {

// Commands look at a file before they read it, but a pipe can be read once. After this, the path of
// one that this process was started with (/dev/stdin, /dev/fd/63) stands for its whole content, as
// often as one likes. Other files are left alone; a named pipe is an error.
absl::Status KeepPipe(const std::string& path);

}  // namespace doppio::tools

#endif  // DOPPIO_TOOLS_COMMAND_PIPE_H_
