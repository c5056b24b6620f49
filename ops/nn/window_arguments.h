#ifndef DOPPIO_OPS_NN_WINDOW_ARGUMENTS_H_
#define DOPPIO_OPS_NN_WINDOW_ARGUMENTS_H_

// The arguments of operators in which a window slides over an image (src/dnn/window.h), read and
// stated once for all of them.

#include "doppio/arguments.h"
#include "doppio/schema.h"
#include "src/dnn/window.h"

namespace doppio {

// The arguments, as Caffe2 reads them: kernel or kernel_h and kernel_w are two numbers, kernels is
// a list of any length; so with stride, dilation, adj, and pad (four numbers: heads, then tails) or
// pad_t, pad_l, pad_b and pad_r. A set that is not complete (kernel_h alone) does not count. What
// is wrong is reported to the reader.
WindowSettings ReadWindowArguments(ArgumentReader* reader, WindowUse use);

// The same, stated in a schema.
void StateWindowArguments(OpSchema& schema, WindowUse use);

}  // namespace doppio

#endif  // DOPPIO_OPS_NN_WINDOW_ARGUMENTS_H_
