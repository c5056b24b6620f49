#include "tests/support/forked_process.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <iostream>

namespace doppio {

testing::AssertionResult SucceedsInAForkedProcess(const std::function<absl::Status()>& work) {
  constexpr unsigned kSeconds = 20;
  const pid_t child = fork();
  if (child < 0) return testing::AssertionFailure() << "can not fork";
  if (child == 0) {
    alarm(kSeconds);
    const absl::Status status = work();
    if (!status.ok()) std::cerr << "in the child: " << status << std::endl;
    _exit(status.ok() ? 0 : 1);  // nothing that is the parent's is ended
  }
  int end = 0;
  if (waitpid(child, &end, 0) != child) return testing::AssertionFailure() << "has no child";
  if (WIFSIGNALED(end) && WTERMSIG(end) == SIGALRM) {
    return testing::AssertionFailure() << "the child still waited after " << kSeconds << " s";
  }
  if (!WIFEXITED(end) || WEXITSTATUS(end) != 0) {
    return testing::AssertionFailure() << "the child ended with " << end;
  }
  return testing::AssertionSuccess();
}

}  // namespace doppio
