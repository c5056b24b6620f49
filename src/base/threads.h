#ifndef DOPPIO_BASE_THREADS_H_
#define DOPPIO_BASE_THREADS_H_

namespace doppio {

// How many threads a ParallelFor called here and now may use: 1 where SerialScope is in force or
// another parallel region is around. For libraries that bring their own parallel loops.
int ThreadsHere();

}  // namespace doppio

#endif  // DOPPIO_BASE_THREADS_H_
