#ifndef DOPPIO_TOOLS_COMMAND_SHAPE_TABLE_H_
#define DOPPIO_TOOLS_COMMAND_SHAPE_TABLE_H_

#include <string>

#include "doppio/weight_shapes.h"
#include "tools/command/json.h"

namespace doppio::tools {

// What `doppio inspect NET --shape` prints: what the net reads, then every operator with what it
// makes, its multiply-adds and bytes, then totals and what could not be found. `given` are the
// blobs that were known before.
std::string ShapesToText(const NetDef& net, const BlobInfos& given, const NetShapes& shapes,
                         const PublishedWidths& widths);

// The same as fields of an object that is open.
void ShapesToJson(const NetDef& net, const BlobInfos& given, const NetShapes& shapes,
                  const PublishedWidths& widths, JsonWriter* json);

}  // namespace doppio::tools

#endif  // DOPPIO_TOOLS_COMMAND_SHAPE_TABLE_H_
