#ifndef DOPPIO_TOOLS_COMMAND_OPTIMIZE_REPORT_H_
#define DOPPIO_TOOLS_COMMAND_OPTIMIZE_REPORT_H_

#include <string>

#include "doppio/model.h"
#include "doppio/weight_shapes.h"
#include "doppio/workspace.h"
#include "tools/command/json.h"

namespace doppio::tools {

// What a Predictor makes of a net: its operators by type, and its bytes, before and after, as text
// and as members of the object that is open. `workspace` holds the weights that there are, and
// loses them; others are made up, without values, where their shapes can be inferred from `shapes`
// (of what is fed) and `widths`. Without `shapes` nothing is said of the bytes of results.
absl::StatusOr<std::string> ReportOptimization(const Model& model, const BlobInfos& shapes,
                                               const PublishedWidths& widths, Workspace* workspace,
                                               JsonWriter* json);

}  // namespace doppio::tools

#endif  // DOPPIO_TOOLS_COMMAND_OPTIMIZE_REPORT_H_
