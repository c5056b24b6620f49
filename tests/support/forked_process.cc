#include "tests/support/forked_process.h"

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>

namespace doppio {
namespace {

// AddressSanitizer's own locks (of its threads, of its heap) are not released in a child where
// another thread held them at the fork, as those of glibc are; a program of nothing but threads
// hangs there, 3 times of 1,500 (GCC 12). Threads that sleep hold none.
#ifdef __SANITIZE_ADDRESS__
constexpr bool kForksWhileOthersSleep = true;
#else
constexpr bool kForksWhileOthersSleep = false;
#endif

bool OtherThreadsSleep() {
  const std::string self = std::to_string(gettid());
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    if (thread.path().filename() == self) continue;
    std::ifstream file(thread.path() / "stat");
    std::string stat;
    std::getline(file, stat);
    // "id (name) state ...", where the name may hold anything
    const size_t name_end = stat.rfind(')');
    if (name_end == std::string::npos || stat.compare(name_end, 3, ") S") != 0) return false;
  }
  return true;
}

void WaitUntilOtherThreadsSleep() {
  const auto latest = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (!OtherThreadsSleep() && std::chrono::steady_clock::now() < latest) {
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
}

}  // namespace

testing::AssertionResult SucceedsInAForkedProcess(const std::function<absl::Status()>& work) {
  constexpr unsigned kSeconds = 20;
  if (kForksWhileOthersSleep) WaitUntilOtherThreadsSleep();
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
