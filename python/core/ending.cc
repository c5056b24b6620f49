#include "python/core/ending.h"

#include <atomic>
#include <chrono>
#include <thread>

namespace doppio::python {
namespace {

unsigned long main_thread = 0;  // NOLINT: Python's type
std::atomic<bool> is_ending{false};
std::atomic<int> permitted{0};  // threads
thread_local int depth = 0;     // of permissions in this thread: operators that run nets

// Called by atexit, when other threads still run.
void BeginEnding() {
  constexpr std::chrono::milliseconds kPeriod(1);
  constexpr int kMostPeriods = 5000;  // a Python operator that does not return must not keep us
  is_ending.store(true);
  const pybind11::gil_scoped_release unlocked;
  for (int i = 0; i < kMostPeriods && permitted.load() > 0; ++i) {
    std::this_thread::sleep_for(kPeriod);
  }
}

}  // namespace

void InstallEnding() {
  main_thread = pybind11::module_::import("threading")
                    .attr("main_thread")()
                    .attr("ident")
                    .cast<unsigned long>();  // NOLINT: Python's type
  pybind11::module_::import("atexit").attr("register")(pybind11::cpp_function(&BeginEnding));
}

bool IsEnding() { return is_ending.load(std::memory_order_relaxed); }

bool IsMainThread() {
  thread_local const bool is_main = PyThread_get_thread_ident() == main_thread;
  return is_main;
}

PythonPermission::PythonPermission() : is_granted_(true) {
  // Counted before the flag is read, so that BeginEnding() misses none.
  permitted.fetch_add(1);
  if (is_ending.load() && depth == 0 && !IsMainThread()) {
    permitted.fetch_sub(1);
    is_granted_ = false;
    return;
  }
  ++depth;
}

PythonPermission::~PythonPermission() {
  if (!is_granted_) return;
  --depth;
  permitted.fetch_sub(1);
}

UnlockedScope::~UnlockedScope() {
  const PythonPermission permission;
  while (!permission.is_granted()) std::this_thread::sleep_for(std::chrono::hours(1));
  unlocked_.reset();
}

}  // namespace doppio::python
