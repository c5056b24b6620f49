#ifndef DOPPIO_BASE_WAITING_THREADS_H_
#define DOPPIO_BASE_WAITING_THREADS_H_

namespace doppio {

// How OpenMP's threads wait for work. GCC's OpenMP lets them spin for milliseconds, which saves a
// third of a small net's time where nobody else wants the processors, and is a trap where somebody
// does: every loop then waits until the scheduler takes a processor from a thread that only waits.
//
// So this is called before a loop of `count` threads, and looks now and then how long the thread
// had to wait for a processor (where the kernel does not say it: how often those of the process
// lost theirs); while that is long, threads that wait for work sleep soon. Users who say how to
// wait (OMP_WAIT_POLICY, GOMP_SPINCOUNT) get what they say, and fewer threads than processors are
// left alone, since they leave some for others.
void WatchWaitingThreads(int count);

// Whether threads that wait sleep soon now.
bool WaitingThreadsSleep();

}  // namespace doppio

#endif  // DOPPIO_BASE_WAITING_THREADS_H_
