#include "src/base/waiting_threads.h"

#include <omp.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>

namespace doppio {
namespace {

// A team of two threads that has nothing to do, and is there while the process is.
void* KeepIdleTeam(void*) {
  int members = 0;
#pragma omp parallel num_threads(2) reduction(+ : members)
  members += 1;
  while (members > 0) pause();
  return nullptr;
}

// What is said when OpenMP is loaded can not be said later, but for one thing: where there are more
// threads than processors, it spins no longer than some 100 turns. It counts threads that sleep.
bool StartIdleTeam() {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are for the threads of the program
  pthread_t thread;
  const bool started = pthread_create(&thread, nullptr, KeepIdleTeam, nullptr) == 0;
  if (started) pthread_detach(thread);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

bool UserSaysHowToWait() {
  return std::getenv("OMP_WAIT_POLICY") != nullptr || std::getenv("GOMP_SPINCOUNT") != nullptr;
}

}  // namespace

void LetWaitingThreadsSleep(int count) {
  static const int processors = omp_get_num_procs();
  if (count < processors) return;  // which leaves some for others
  [[maybe_unused]] static const bool started = !UserSaysHowToWait() && StartIdleTeam();
}

}  // namespace doppio
