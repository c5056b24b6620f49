#ifndef DOPPIO_BASE_WAITING_THREADS_H_
#define DOPPIO_BASE_WAITING_THREADS_H_

namespace doppio {

// Makes threads of OpenMP that wait sleep soon, where `count` of them work side by side. GCC's
// OpenMP lets them spin for milliseconds, which is a trap where others want the processors: each
// thread at work then waits until the scheduler takes a processor from one that only waits. Users
// who say how to wait (OMP_WAIT_POLICY, GOMP_SPINCOUNT) get what they say. Only the first
// call that finds them needed starts anything.
void LetWaitingThreadsSleep(int count);

}  // namespace doppio

#endif  // DOPPIO_BASE_WAITING_THREADS_H_
