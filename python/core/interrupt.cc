#include "python/core/interrupt.h"

#include <chrono>

#include "doppio/interrupt.h"

namespace doppio::python {
namespace {

// Only the main thread is told of signals, and asking takes the interpreter's lock: 20 times a
// second are enough.
bool Poll() {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kPeriod(50);
  if (!IsMainThread()) return IsEnding();
  thread_local Clock::time_point last = Clock::now();
  const Clock::time_point now = Clock::now();
  if (now - last < kPeriod) return false;
  last = now;
  pybind11::gil_scoped_acquire locked;
  // The exception stays set: RunUnlocked finds it when the run has ended.
  return PyErr_Occurred() != nullptr || PyErr_CheckSignals() != 0;
}

}  // namespace

void InstallInterruptPoll() { SetInterruptPoll(&Poll); }

}  // namespace doppio::python
