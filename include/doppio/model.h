#ifndef DOPPIO_MODEL_H_
#define DOPPIO_MODEL_H_

// Threads: a value; many may read it, or one may change it.

#include <map>
#include <string>
#include <vector>

#include "doppio/net.pb.h"
#include "doppio/tensor.h"

namespace doppio {

// A net together with all that it takes to run it: what Predictor::Create (predictor.h) is given,
// and what LoadModel (model_io.h) reads from a file.
struct Model {
  NetDef predict;
  // Fill weights; run once, in this order, before `predict`.
  std::vector<NetDef> inits;
  // Weights that no init net fills; they are there when init nets run.
  std::map<std::string, Tensor> weights;
  // What is fed and what is asked for, in this order. Where empty, Predictor finds out.
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
};

}  // namespace doppio

#endif  // DOPPIO_MODEL_H_
