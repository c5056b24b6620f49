#ifndef DOPPIO_RUNTIME_PREDICTOR_BLOBS_H_
#define DOPPIO_RUNTIME_PREDICTOR_BLOBS_H_

#include <set>
#include <string>
#include <vector>

#include "doppio/model.h"
#include "doppio/status.h"
#include "doppio/workspace.h"

namespace doppio {

// What a net does to the blobs of the scope that it runs in; nets in its operators included.
struct NetBlobs {
  std::vector<std::string> needed;    // read before they are written, in the order of first use
  std::set<std::string> written;      // anywhere
  std::set<std::string> conditional;  // written by nets in operators (If, While) alone
  // The first operator that writes a blob whose former value was read: what makes it a state that
  // outlives the run.
  struct Change {
    std::string blob;
    int op;
  };
  std::vector<Change> changed;
};
NetBlobs BlobsOfWholeNet(const NetDef& net);

// Names that init nets fill with a placeholder for an input (predictor.h says with which).
std::set<std::string> PlaceholdersOf(const std::vector<NetDef>& inits);

// What the predictor's inputs and outputs are where the model does not say it. `weights` holds what
// the init nets filled.
std::vector<std::string> ChooseInputs(const NetDef& net, const NetBlobs& blobs,
                                      const Workspace& weights,
                                      const std::set<std::string>& placeholders);

// Whether a predictor can run this net: nothing is missing, no input is named twice, outputs exist,
// weights stay what they are.
absl::Status CheckForPrediction(const NetDef& net, const NetBlobs& blobs, const Workspace& weights,
                                const std::vector<std::string>& inputs,
                                const std::vector<std::string>& outputs);

}  // namespace doppio

#endif  // DOPPIO_RUNTIME_PREDICTOR_BLOBS_H_
