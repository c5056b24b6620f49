#ifndef DOPPIO_OBSERVER_H_
#define DOPPIO_OBSERVER_H_

#include "doppio/status.h"

namespace doppio {

class Net;

// Sees a net and its operators start and stop. With the `parallel` executor, operators start and
// stop on several threads, so OperatorStart and OperatorStop must bear to be called at the same
// time (never for the same operator).
class NetObserver {
 public:
  virtual ~NetObserver() = default;
  virtual void NetStart(const Net&) {}
  virtual void NetStop(const Net&, const absl::Status&) {}
  virtual void OperatorStart(const Net&, int /*index*/) {}
  virtual void OperatorStop(const Net&, int /*index*/, const absl::Status&) {}
};

}  // namespace doppio

#endif  // DOPPIO_OBSERVER_H_
