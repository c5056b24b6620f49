#ifndef DOPPIO_TOOLS_COMMAND_OP_DOCS_H_
#define DOPPIO_TOOLS_COMMAND_OP_DOCS_H_

// The registry as documentation: what `doppio ops` prints, and docs/operators.md.

#include <map>
#include <string>
#include <vector>

#include "doppio/schema.h"
#include "tools/command/json.h"

namespace doppio::tools {

// "shape" for an operator of ops/shape; "(loaded)" for those from elsewhere.
std::string FamilyOf(const OpSchema& schema);

// Schemas of all operators that can be created, by family, sorted by type.
std::map<std::string, std::vector<const OpSchema*>> OpsByFamily();

// The first sentence of its documentation.
std::string FirstSentence(const OpSchema& schema);

// "yes", "none needed", "forbidden", "not implemented", "not known".
std::string GradientText(const OpSchema& schema);

// All that is known of one operator, for a terminal, as Markdown, and as an object.
std::string OpToText(const OpSchema& schema);
std::string OpToMarkdown(const OpSchema& schema);
void OpToJson(const OpSchema& schema, JsonWriter* json);

// A page with all operators.
std::string AllOpsToMarkdown();

// Which of Caffe2's operators are there, in short and as a page with all of them.
std::string CoverageToText();
std::string CoverageToMarkdown();

}  // namespace doppio::tools

#endif  // DOPPIO_TOOLS_COMMAND_OP_DOCS_H_
