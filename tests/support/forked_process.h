#ifndef DOPPIO_TESTS_SUPPORT_FORKED_PROCESS_H_
#define DOPPIO_TESTS_SUPPORT_FORKED_PROCESS_H_

#include <gtest/gtest.h>

#include <functional>

#include "doppio/status.h"

namespace doppio {

// Whether `work` succeeds in a process that is forked here, within some seconds: a child that waits
// for what stayed in its parent waits forever, and is ended.
testing::AssertionResult SucceedsInAForkedProcess(const std::function<absl::Status()>& work);

}  // namespace doppio

#endif  // DOPPIO_TESTS_SUPPORT_FORKED_PROCESS_H_
