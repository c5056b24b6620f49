#ifndef DOPPIO_TOOLS_COMMAND_PROGRESS_H_
#define DOPPIO_TOOLS_COMMAND_PROGRESS_H_

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>

#include "absl/strings/string_view.h"
#include "doppio/observer.h"

namespace doppio::tools {

// A line on a terminal that says how far work has come: nothing for what takes less than half a
// second, nor where stderr is no terminal. The line disappears when the work is done.
class Progress {
 public:
  Progress(absl::string_view what, int64_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Whether anything will ever be shown.
  bool is_on() const { return is_on_; }
  // From any thread.
  void Advance();
  // What stands behind the time that is left, from now on.
  void Say(absl::string_view text);
  // Takes the line away, until the next Advance(): before something else is printed.
  void Hide();

 private:
  using Clock = std::chrono::steady_clock;

  const std::string what_;
  const int64_t total_;
  const bool is_on_;
  const Clock::time_point start_ = Clock::now();
  std::atomic<int64_t> done_{0};
  std::mutex mutex_;
  Clock::time_point next_;
  bool is_shown_ = false;
  std::string text_;
};

// Advances a Progress by one for each operator that stops.
class ProgressObserver final : public NetObserver {
 public:
  explicit ProgressObserver(Progress* progress) : progress_(progress) {}
  void OperatorStop(const Net&, int, const absl::Status&) override { progress_->Advance(); }

 private:
  Progress* progress_;
};

}  // namespace doppio::tools

#endif  // DOPPIO_TOOLS_COMMAND_PROGRESS_H_
