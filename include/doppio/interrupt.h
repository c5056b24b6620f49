#ifndef DOPPIO_INTERRUPT_H_
#define DOPPIO_INTERRUPT_H_

namespace doppio {

// Lets a host end long runs from the thread that started them: Python asks this way whether Ctrl-C
// was pressed. A program ends its own runs with a Cancellation (cancellation.h).
//
//   SetInterruptPoll([] { return signal_arrived.load(); });
//
// The function is asked before every operator of every net, nets inside operators included, on the
// thread that runs the operator, once in a net that has none, and every 10 ms where a thread waits
// for operators that run on others, or for a queue; and between pieces of what is loaded, or takes
// long (a huge sum, on any of its threads). When it says true, the run ends with a Cancelled status
// there. It must be quick and bear to be called from many threads at once. Null, the default, asks
// nobody. Not while nets run.
void SetInterruptPoll(bool (*poll)());

}  // namespace doppio

#endif  // DOPPIO_INTERRUPT_H_
