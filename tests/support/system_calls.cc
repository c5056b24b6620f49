#include "tests/support/system_calls.h"

#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"

namespace doppio {
namespace {

#ifdef __x86_64__

constexpr int kWell = 0;
constexpr int kBadly = 1;
constexpr int kUntraced = 2;
constexpr long kWritesToDescriptor[] = {SYS_write,     SYS_pwrite64,  SYS_writev, SYS_pwritev,
                                        SYS_ftruncate, SYS_fallocate, SYS_fsync,  SYS_fdatasync};

// Not to a pipe, which is no matter of disks, and of which sanitizers have some.
bool IsFile(pid_t child, unsigned long long descriptor) {
  struct stat file;
  const std::string path = absl::StrCat("/proc/", child, "/fd/", descriptor);
  return stat(path.c_str(), &file) == 0 && (S_ISREG(file.st_mode) || S_ISDIR(file.st_mode));
}

bool IsAbout(Fate fate, pid_t child, const user_regs_struct& registers) {
  if (fate == Fate::kKilled) return true;
  const long call = static_cast<long>(registers.orig_rax);
  if (call == SYS_mkdir || call == SYS_msync) return true;
  return std::find(std::begin(kWritesToDescriptor), std::end(kWritesToDescriptor), call) !=
             std::end(kWritesToDescriptor) &&
         IsFile(child, registers.rdi);
}

// Lets the child go on to its next stop, which is one in a system call, its end, or a signal.
bool GoesOn(pid_t child, int* status, int signal = 0) {
  return ptrace(PTRACE_SYSCALL, child, nullptr, signal) == 0 &&
         waitpid(child, status, __WALL) == child && !WIFEXITED(*status) && !WIFSIGNALED(*status);
}

bool StopsInCall(int status) { return WSTOPSIG(status) == (SIGTRAP | 0x80); }

// The call is entered with a number that no call has, and then has failed.
bool Refuse(pid_t child, user_regs_struct registers, int* status) {
  registers.orig_rax = static_cast<unsigned long long>(-1);
  if (ptrace(PTRACE_SETREGS, child, nullptr, &registers) != 0) return false;
  if (!GoesOn(child, status)) return false;
  if (ptrace(PTRACE_GETREGS, child, nullptr, &registers) != 0) return false;
  registers.rax = static_cast<unsigned long long>(-ENOSPC);
  return ptrace(PTRACE_SETREGS, child, nullptr, &registers) == 0;
}

void Kill(pid_t child, int* status) {
  kill(child, SIGKILL);
  while (waitpid(child, status, __WALL) == child && !WIFEXITED(*status) && !WIFSIGNALED(*status)) {
  }
}

#endif  // __x86_64__

}  // namespace

TracedRun RunInto(Fate fate, int n, const std::function<bool()>& work) {
  TracedRun run;
#ifdef __x86_64__
  const pid_t child = fork();
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(kUntraced);
    raise(SIGSTOP);
    _exit(work() ? kWell : kBadly);
  }
  int status = 0;
  run.could_trace = child > 0 && waitpid(child, &status, __WALL) == child && WIFSTOPPED(status);
  if (!run.could_trace) return run;
  ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
  bool is_entry = false;
  int signal = 0;
  while (GoesOn(child, &status, signal)) {
    signal = StopsInCall(status) ? 0 : WSTOPSIG(status);
    if (signal != 0) continue;
    is_entry = !is_entry;
    user_regs_struct registers;
    if (!is_entry || ptrace(PTRACE_GETREGS, child, nullptr, &registers) != 0) continue;
    if (run.had_call || !IsAbout(fate, child, registers) || n-- > 0) continue;
    run.had_call = true;
    if (fate == Fate::kKilled) {
      Kill(child, &status);
      return run;
    }
    if (!Refuse(child, registers, &status)) break;
    is_entry = false;
  }
  run.went_well = WIFEXITED(status) && WEXITSTATUS(status) == kWell;
#else
  (void)fate, (void)n, (void)work;
  run.could_trace = false;
#endif
  return run;
}

}  // namespace doppio
