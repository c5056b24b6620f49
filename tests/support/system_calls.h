#ifndef DOPPIO_TESTS_SUPPORT_SYSTEM_CALLS_H_
#define DOPPIO_TESTS_SUPPORT_SYSTEM_CALLS_H_

#include <functional>

namespace doppio {

// What befalls a process at one of its system calls.
enum class Fate {
  kKilled,    // as it enters the call
  kDiskFull,  // the call, if it is one that writes files, does nothing and fails
};

struct TracedRun {
  bool could_trace = true;  // some systems forbid it
  bool had_call = false;    // it came so far
  bool went_well = false;   // it ended, and `work` returned true
};

// Runs `work` in a forked process; there its main thread's n-th system call that the fate is about
// (from 0: any call, or those that write) meets it.
TracedRun RunInto(Fate fate, int n, const std::function<bool()>& work);

}  // namespace doppio

#endif  // DOPPIO_TESTS_SUPPORT_SYSTEM_CALLS_H_
