#ifndef DOPPIO_PARALLEL_H_
#define DOPPIO_PARALLEL_H_

#include <cstdint>

#include "absl/functional/function_ref.h"

namespace doppio {

// How many threads the work inside one operator may use, in this process; 1 means that no pool is
// made at all. Starts as the number of processors that the process may run on.
int NumThreads();
void SetNumThreads(int count);

// Calls body(begin, end) for consecutive pieces that cover [0, size), side by side on up to
// NumThreads() threads and at most one piece for every `grain` elements. Runs on the calling thread
// where one piece is enough, where SerialScope is in force, and when called from inside another
// ParallelFor. A result must not depend on where the pieces begin: an operator gives the same bits
// for any number of threads.
void ParallelFor(int64_t size, int64_t grain,
                 absl::FunctionRef<void(int64_t begin, int64_t end)> body);

// While one exists on a thread, ParallelFor runs serially there: for threads that already run side
// by side.
class SerialScope {
 public:
  SerialScope();
  ~SerialScope();
  SerialScope(const SerialScope&) = delete;
  SerialScope& operator=(const SerialScope&) = delete;

 private:
  bool previous_;
};

}  // namespace doppio

#endif  // DOPPIO_PARALLEL_H_
