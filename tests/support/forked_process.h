#ifndef DOPPIO_TESTS_SUPPORT_FORKED_PROCESS_H_
#define DOPPIO_TESTS_SUPPORT_FORKED_PROCESS_H_

#include <gtest/gtest.h>

#include <functional>

#include "doppio/status.h"

namespace doppio {

// Whether `work` succeeds in a process that is forked here, within some seconds: a child that waits
// for what stayed in its parent waits forever, and is ended.
testing::AssertionResult SucceedsInAForkedProcess(const std::function<absl::Status()>& work);

// ThreadSanitizer takes a thread of a child for one of its parent's, and ends.
#ifdef __SANITIZE_THREAD__
inline constexpr bool kChildrenMayHaveThreads = false;
#else
inline constexpr bool kChildrenMayHaveThreads = true;
#endif
inline constexpr char kNoThreadsInChildren[] =
    "ThreadSanitizer knows no threads of forked processes";

}  // namespace doppio

#endif  // DOPPIO_TESTS_SUPPORT_FORKED_PROCESS_H_
