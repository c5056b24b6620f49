#include "tools/command/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "absl/strings/str_format.h"
#include "tools/command/table.h"

namespace doppio::tools {
namespace {

constexpr std::chrono::milliseconds kQuietTime(500);
constexpr std::chrono::milliseconds kInterval(100);
constexpr int kBarWidth = 30;

bool IsTerminal() {
  const char* term = std::getenv("TERM");
  return isatty(STDERR_FILENO) == 1 && (term == nullptr || std::string(term) != "dumb");
}

}  // namespace

Progress::Progress(absl::string_view what, int64_t total)
    : what_(Printable(what)),
      total_(std::max<int64_t>(total, 1)),
      is_on_(IsTerminal()),
      next_(start_ + kQuietTime) {}

Progress::~Progress() { Hide(); }

void Progress::Say(absl::string_view text) {
  std::lock_guard<std::mutex> lock(mutex_);
  text_ = Printable(text);
}

void Progress::Hide() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (is_shown_) std::fputs("\r\x1b[K", stderr);
  is_shown_ = false;
}

void Progress::Advance() {
  const int64_t done = done_.fetch_add(1, std::memory_order_relaxed) + 1;
  if (!is_on_) return;
  const Clock::time_point now = Clock::now();
  std::lock_guard<std::mutex> lock(mutex_);
  if (now < next_) return;
  next_ = now + kInterval;
  is_shown_ = true;
  const double part = std::min(1.0, static_cast<double>(done) / static_cast<double>(total_));
  const int filled = static_cast<int>(part * kBarWidth);
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  const std::string line = absl::StrFormat(
      "\r\x1b[K%s [%s%s] %3.0f%%, %s left%s", Shortened(what_, 40), std::string(filled, '#'),
      std::string(kBarWidth - filled, '.'), 100 * part,
      HumanSeconds(std::max(0.0, elapsed / part - elapsed)), text_.empty() ? "" : ", " + text_);
  std::fputs(line.c_str(), stderr);
}

}  // namespace doppio::tools
