#ifndef DOPPIO_OPERATOR_CAFFE2_OPERATORS_H_
#define DOPPIO_OPERATOR_CAFFE2_OPERATORS_H_

namespace doppio {

// caffe2_operators.txt, as it is.
extern const char kCaffe2Operators[];

}  // namespace doppio

#endif  // DOPPIO_OPERATOR_CAFFE2_OPERATORS_H_
