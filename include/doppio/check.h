#ifndef DOPPIO_CHECK_H_
#define DOPPIO_CHECK_H_

// Looking at a whole net before it is run: every problem at once.

#include <set>
#include <string>
#include <vector>

#include "doppio/limits.h"
#include "doppio/net.pb.h"
#include "doppio/status.h"

namespace doppio {

struct NetProblem {
  int op = -1;        // index of the operator; -1: the net itself
  std::string where;  // `net "demo", op 0 Expand(X, shape) -> Y`
  std::string what;
  bool is_missing_operator = false;

  std::string ToString() const { return absl::StrCat(where, ": ", what); }
};

struct CheckOptions {
  // Blobs that will be there when the net runs (of a workspace, of init nets).
  std::set<std::string> known_blobs;
  // Whether a net that names no external inputs may read blobs that are neither made by it nor in
  // known_blobs. If not, each of them is a problem.
  bool allow_unknown_inputs = true;
  Limits limits;
};

// Operators that do not exist, what schemas forbid, blobs that nobody makes, external outputs that
// nobody makes, nets that are too deep or too long; in nets that are arguments (of If, While) too.
std::vector<NetProblem> CheckNet(const NetDef& net, const CheckOptions& options = {});

// The same as an error that lists all problems, a line each. A missing operator comes with near
// names and how to load it.
absl::Status ProblemsToStatus(const std::vector<NetProblem>& problems);

// The blobs that a net reads from outside: its external inputs, or, where it names none, what its
// operators read before they make it. Nets that are arguments count. In the order of first use.
std::vector<std::string> InputsOfNet(const NetDef& net);

// What a net is asked for when nothing else is said: its external outputs, or, where it names none,
// what its last operator makes.
std::vector<std::string> OutputsOfNet(const NetDef& net);

// The blobs that an operator reads and writes, including those of nets in its arguments.
struct OpBlobs {
  std::vector<std::string> reads;
  std::vector<std::string> writes;
};
OpBlobs BlobsOfOp(const OperatorDef& op);

}  // namespace doppio

#endif  // DOPPIO_CHECK_H_
