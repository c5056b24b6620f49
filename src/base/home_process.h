#ifndef DOPPIO_BASE_HOME_PROCESS_H_
#define DOPPIO_BASE_HOME_PROCESS_H_

#include <cstdint>
#include <memory>

namespace doppio {

// The process that an object was made in. fork() copies memory, and of the threads only the one
// that calls it: in the child nobody does what other threads would have done, and what they had
// locked stays locked. So whatever has threads, or waits for some, asks whether it is still at
// home, and where it is not touches none of it: it goes on without, or says that it can not.
//
// Any number of threads may ask at once.
class HomeProcess {
 public:
  HomeProcess();

  // False in a process that was forked since, and in those forked from that one.
  bool IsHere() const;

 private:
  int64_t forks_;  // that lie between the first process and this one
};

// Leaves alone what other processes than its home would delete: a thread that can not be joined, a
// lock that is held, a file that is another process's.
class DeleteAtHome : public HomeProcess {
 public:
  template <typename T>
  void operator()(T* object) const {
    if (IsHere()) delete object;
  }
};

template <typename T>
using HomePtr = std::unique_ptr<T, DeleteAtHome>;

}  // namespace doppio

#endif  // DOPPIO_BASE_HOME_PROCESS_H_
