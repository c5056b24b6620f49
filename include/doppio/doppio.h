#ifndef DOPPIO_DOPPIO_H_
#define DOPPIO_DOPPIO_H_

// Everything that a program needs to load nets, run them, and make their gradient nets.
//
//   #include <doppio/doppio.h>
//
//   doppio::Workspace workspace;
//   workspace.Feed("X", doppio::Tensor::Of<float>({3, 1}, {1, 2, 3}));
//   workspace.Feed("shape", doppio::Tensor::Of<int64_t>({2}, {3, 4}));
//
//   doppio::NetBuilder net("demo");
//   net.Op("Expand", {"X", "shape"}, {"Y"});
//   net.Op("SumElements", {"Y"}, {"loss"});
//
//   absl::StatusOr<doppio::Backward> backward =            // the gradient net, and
//       doppio::AddGradientOperators(net.def(), {"loss"});  // blob -> gradient blob
//   absl::Status run = workspace.RunNetOnce(backward->net);
//   absl::StatusOr<doppio::Tensor> dX = workspace.Fetch("X_grad");
//   workspace.ResetWorkspace();
//
// Threads: functions may be called from many threads at once; an object is used by one at a time
// unless its header says otherwise, as those of Workspace, Net, Predictor and Tensor do. A process
// that was forked works, without its parent's threads: what reads ahead, waits in queues or has a
// database open says so, and is made anew.
//
// An operator of your own needs operator.h, schema.h, gradient_maker.h and registry.h, which come
// with this header too.

#include "doppio/cancellation.h"
#include "doppio/check.h"
#include "doppio/coverage.h"
#include "doppio/database.h"
#include "doppio/devices.h"
#include "doppio/dot.h"
#include "doppio/gradient.h"
#include "doppio/gradient_check.h"
#include "doppio/image.h"
#include "doppio/image_recipe.h"
#include "doppio/infer.h"
#include "doppio/interrupt.h"
#include "doppio/memory_budget.h"
#include "doppio/model.h"
#include "doppio/model_io.h"
#include "doppio/net.h"
#include "doppio/net_builder.h"
#include "doppio/onnx.h"
#include "doppio/operator_library.h"
#include "doppio/optimizer.h"
#include "doppio/parallel.h"
#include "doppio/predictor.h"
#include "doppio/profiler.h"
#include "doppio/proto_io.h"
#include "doppio/random_weights.h"
#include "doppio/registry.h"
#include "doppio/serialize.h"
#include "doppio/tensor.h"
#include "doppio/tensor_io.h"
#include "doppio/trainer.h"
#include "doppio/training_plan.h"
#include "doppio/version.h"
#include "doppio/weight_shapes.h"
#include "doppio/workspace.h"

#endif  // DOPPIO_DOPPIO_H_
