#ifndef DOPPIO_GRAPH_CHECK_IN_SCOPE_H_
#define DOPPIO_GRAPH_CHECK_IN_SCOPE_H_

#include <vector>

#include "doppio/blob.h"
#include "doppio/check.h"

namespace doppio {

// CheckNet of a net that is to run over the blobs of `scope`: what it reads before it makes it is
// there, or is a problem.
std::vector<NetProblem> CheckNetInScope(const NetDef& net, const BlobScope& scope);

}  // namespace doppio

#endif  // DOPPIO_GRAPH_CHECK_IN_SCOPE_H_
