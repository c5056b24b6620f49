#ifndef DOPPIO_TESTS_SUPPORT_SHARED_DIR_H_
#define DOPPIO_TESTS_SUPPORT_SHARED_DIR_H_

#include <string>

#include "gtest/gtest.h"

namespace doppio {

// The folder of models and recorded cases that do not belong to the project: $DOPPIO_SHARED, else
// `shared` beside the project's own folder. Empty where there is none.
std::string SharedDir();

}  // namespace doppio

// In a test, or its SetUp.
#define DOPPIO_SKIP_WITHOUT_SHARED()                                                              \
  if (::doppio::SharedDir().empty())                                                              \
  GTEST_SKIP() << "needs the folder `shared` beside the project, or DOPPIO_SHARED=folder in the " \
                  "environment"

#endif  // DOPPIO_TESTS_SUPPORT_SHARED_DIR_H_
