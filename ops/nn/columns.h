#ifndef DOPPIO_OPS_NN_COLUMNS_H_
#define DOPPIO_OPS_NN_COLUMNS_H_

// What Im2Col and Col2Im have in common: each is the other's gradient.

#include "doppio/arguments.h"
#include "doppio/schema.h"
#include "src/dnn/window.h"
#include "src/kernel/im2col.h"

namespace doppio {

// kernel_h, kernel_w (or kernel for both), so with stride and dilation, one pad for all sides, and
// the order. What is wrong is reported to the reader.
WindowSettings ReadColumnArguments(ArgumentReader* reader);
void StateColumnArguments(OpSchema& schema);

// The columns of an image X [N,C,H,W]: [N, C kh kw, out_h, out_w]; of [N,H,W,C]: [N, out_h, out_w,
// kh kw C]. The kernel must fit into the image without the padding, as Caffe2 has it.
struct Columns {
  Dims dims;
  ColumnShape shape;
};
absl::StatusOr<Columns> ColumnsOf(const WindowSettings& settings, DimsView x);

}  // namespace doppio

#endif  // DOPPIO_OPS_NN_COLUMNS_H_
