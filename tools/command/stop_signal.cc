#include "tools/command/stop_signal.h"

#include <signal.h>

namespace doppio::tools {
namespace {

volatile sig_atomic_t has_come = 0;

void Note(int) { has_come = 1; }

}  // namespace

StopSignal::StopSignal() {
  has_come = 0;
  struct sigaction action = {};
  action.sa_handler = &Note;
  action.sa_flags = SA_RESTART | SA_RESETHAND;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

StopSignal::~StopSignal() {
  signal(SIGINT, SIG_DFL);
  signal(SIGTERM, SIG_DFL);
}

bool StopSignal::HasCome() { return has_come != 0; }

}  // namespace doppio::tools
