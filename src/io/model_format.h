#ifndef DOPPIO_IO_MODEL_FORMAT_H_
#define DOPPIO_IO_MODEL_FORMAT_H_

#include <string>

#include "doppio/limits.h"
#include "doppio/model.h"
#include "doppio/proto_io.h"
#include "doppio/status.h"
#include "src/io/file.h"

namespace doppio {
namespace io {

// How LoadModel reads a kind of file that other rooms understand. `path` tells where files lie that
// belong to it. Errors need not name the path.
using ModelReader = absl::StatusOr<Model> (*)(FileBytes file, const std::string& path,
                                              const Limits& limits);

// One a kind; before main, as DOPPIO_REGISTER_MODEL_READER does.
bool RegisterModelReader(FileKind kind, ModelReader reader);
// Null where nobody reads that kind.
ModelReader FindModelReader(FileKind kind);

#define DOPPIO_REGISTER_MODEL_READER(kind, reader)                \
  [[maybe_unused]] static const bool doppio_model_reader_##kind = \
      ::doppio::io::RegisterModelReader(::doppio::FileKind::kind, reader)

}  // namespace io
}  // namespace doppio

#endif  // DOPPIO_IO_MODEL_FORMAT_H_
