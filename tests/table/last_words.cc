#include "tests/table/last_words.h"

#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

// There in sanitized programs alone.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace doppio {
namespace {

constexpr std::array<int, 5> kDeadly = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

// Only what a signal handler may touch.
char text[16 * 1024];
volatile size_t text_size = 0;
std::array<struct sigaction, kDeadly.size()> before;

void Say(const char* words, size_t size) {
  while (size > 0) {
    const ssize_t written = write(STDERR_FILENO, words, size);
    if (written <= 0) return;
    words += written;
    size -= static_cast<size_t>(written);
  }
}

void SayText() {
  const size_t size = text_size;
  text_size = 0;  // once
  if (size == 0) return;
  constexpr char kStart[] = "\nThe process died in: ";
  Say(kStart, sizeof(kStart) - 1);
  Say(text, size);
  Say("\n", 1);
}

// Who handled the signal before gets it again, when the instruction that caused it is repeated.
void OnDeadlySignal(int signal) {
  SayText();
  for (size_t i = 0; i < kDeadly.size(); ++i) {
    if (kDeadly[i] == signal) sigaction(signal, &before[i], nullptr);
  }
}

void OnTimeLimit(int) {
  constexpr char kWhy[] = "\nIt takes too long.";
  Say(kWhy, sizeof(kWhy) - 1);
  SayText();
  std::abort();
}

void Install() {
  // An overflow of the stack leaves no room for the handler on it.
  static char other_stack[64 * 1024];
  stack_t stack = {};
  stack.ss_sp = other_stack;
  stack.ss_size = sizeof(other_stack);
  sigaltstack(&stack, nullptr);
  struct sigaction action = {};
  action.sa_handler = OnDeadlySignal;
  action.sa_flags = SA_ONSTACK;
  for (size_t i = 0; i < kDeadly.size(); ++i) sigaction(kDeadly[i], &action, &before[i]);
  action.sa_handler = OnTimeLimit;
  sigaction(SIGPROF, &action, nullptr);
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(SayText);
}

void SetTimer(int seconds) {
  itimerval timer = {};
  timer.it_value.tv_sec = seconds;
  setitimer(ITIMER_PROF, &timer, nullptr);
}

}  // namespace

LastWords::LastWords(absl::string_view words, int seconds) {
  [[maybe_unused]] static const bool installed = (Install(), true);
  const size_t size = std::min(words.size(), sizeof(text));
  std::memcpy(text, words.data(), size);
  text_size = size;
  SetTimer(seconds);
}

LastWords::~LastWords() {
  SetTimer(0);
  text_size = 0;
}

}  // namespace doppio
