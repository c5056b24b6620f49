#ifndef DOPPIO_CHECK_H_
#define DOPPIO_CHECK_H_

// Looking at a whole net before it is run: every problem at once.
//
// Threads: all functions may be called from many at once.

#include <set>
#include <string>
#include <vector>

#include "doppio/infer.h"
#include "doppio/limits.h"
#include "doppio/net.pb.h"
#include "doppio/status.h"

namespace doppio {

struct NetProblem {
  int op = -1;        // index of the operator; -1: the net itself
  std::string where;  // `net "demo", op 0 Expand(X, shape) -> Y`
  std::string what;
  bool is_missing_operator = false;
  // Further operators of that net, of the same type, with the same problem.
  std::vector<int> also = {};

  // `what`, and how many other operators have the problem.
  std::string Text() const;
  std::string ToString() const { return absl::StrCat(where, ": ", Text()); }
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
// A device that is not there (devices.h) is one problem; beside it, the net is looked at as if it
// asked for the CPU.
std::vector<NetProblem> CheckNet(const NetDef& net, const CheckOptions& options = {});

// What can be said without a run about shapes that do not go together, and arguments that operators
// refuse; operators that CheckNet has something to say about are left out. `blobs` is what is known
// before the net, and becomes what is known after it.
std::vector<NetProblem> CheckShapes(const NetDef& net, BlobInfos* blobs);

// The problems as an error that lists all problems, a line each. A missing operator comes with near
// names and how to load it.
absl::Status ProblemsToStatus(const std::vector<NetProblem>& problems);

// The blobs that a net reads from outside: its external inputs, and what its operators read before
// they make it. Nets that are arguments count. In this order.
std::vector<std::string> InputsOfNet(const NetDef& net);

// What a net is asked for when nothing else is said: its external outputs, or, where it names none,
// what its operators make and nobody reads, and what its last operator makes. Not by-products (the
// mask of a Dropout, the split_info of a Concat), nor what the net read before it wrote it, such as
// the weights that training changes.
std::vector<std::string> OutputsOfNet(const NetDef& net);

// The blobs that an operator reads and writes, including those of nets in its arguments.
struct OpBlobs {
  std::vector<std::string> reads;
  std::vector<std::string> writes;
  bool reads_all = false;  // of its workspace (OpSchema::ReadsAllBlobs)
};
OpBlobs BlobsOfOp(const OperatorDef& op);

}  // namespace doppio

#endif  // DOPPIO_CHECK_H_
