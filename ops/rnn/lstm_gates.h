#ifndef DOPPIO_OPS_RNN_LSTM_GATES_H_
#define DOPPIO_OPS_RNN_LSTM_GATES_H_

#include "ops/rnn/unit_inputs.h"

namespace doppio {

// The gates of no more than kUnitBlock elements of a sequence.
template <typename T>
struct LstmGates {
  // What was in them before the functions that make gates of it.
  void Squash(int64_t count) {
    CPUContext context;
    Sigmoid(i, i, count, &context);
    Sigmoid(f, f, count, &context);
    Sigmoid(o, o, count, &context);
    Tanh(g, g, count, &context);
  }
  // The states after. `cell` may be `cell_prev`.
  void Advance(const T* cell_prev, int64_t count, T* cell, T* hidden) const {
    for (int64_t d = 0; d < count; ++d) cell[d] = f[d] * cell_prev[d] + i[d] * g[d];
    CPUContext context;
    Tanh(cell, hidden, count, &context);
    for (int64_t d = 0; d < count; ++d) hidden[d] *= o[d];
  }

  T i[kUnitBlock];
  T f[kUnitBlock];
  T o[kUnitBlock];
  T g[kUnitBlock];
};

}  // namespace doppio

#endif  // DOPPIO_OPS_RNN_LSTM_GATES_H_
