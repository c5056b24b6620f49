#ifndef DOPPIO_TOOLS_COMMAND_STOP_SIGNAL_H_
#define DOPPIO_TOOLS_COMMAND_STOP_SIGNAL_H_

namespace doppio::tools {

// While one exists, the first Ctrl-C (or SIGTERM) is only noted, so that work can end where it may
// be taken up again; a second one ends the process as usual.
class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  static bool HasCome();
};

}  // namespace doppio::tools

#endif  // DOPPIO_TOOLS_COMMAND_STOP_SIGNAL_H_
