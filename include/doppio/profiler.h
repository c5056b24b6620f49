#ifndef DOPPIO_PROFILER_H_
#define DOPPIO_PROFILER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "doppio/observer.h"

namespace doppio {

// Measures every operator of the nets that it observes.
//
//   Profiler profiler;
//   net->AddObserver(&profiler);
//   net->Run();
//   profiler.WriteTrace("trace.json");  // for chrome://tracing or ui.perfetto.dev
class Profiler final : public NetObserver {
 public:
  Profiler();
  ~Profiler() override;

  void NetStart(const Net& net) override;
  void NetStop(const Net& net, const absl::Status& status) override;
  void OperatorStart(const Net& net, int index) override;
  void OperatorStop(const Net& net, int index, const absl::Status& status) override;

  struct Event {
    std::string net;
    int op = -1;  // -1: the whole net
    std::string type;
    std::string description;  // "Expand(X, shape) -> Y"
    int thread = 0;           // small numbers, in the order in which threads appeared
    double start_us = 0;      // since the profiler was made
    double duration_us = 0;
  };
  // What was measured so far, in the order in which it ended.
  std::vector<Event> Events() const;

  // The trace in the Trace Event Format, as JSON: an object with `traceEvents`, of "ph": "X", times
  // in microseconds.
  std::string TraceJson() const;
  // Errors name the path and the system's reason.
  absl::Status WriteTrace(const std::string& path) const;

 private:
  struct Recording;
  std::unique_ptr<Recording> recording_;
};

}  // namespace doppio

#endif  // DOPPIO_PROFILER_H_
