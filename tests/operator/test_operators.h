#ifndef DOPPIO_TESTS_OPERATOR_TEST_OPERATORS_H_
#define DOPPIO_TESTS_OPERATOR_TEST_OPERATORS_H_

// Operators that only these tests have; test_operators.cc registers them.
//
// TestScale(X) -> Y: Y = scale * X, float; scale is required; engines FAST (which notes that it
// ran) and PICKY (which supports no negative scale). In place is allowed; there is a gradient.
// TestNoSchema: registered, but without a schema.
// TestAny(X) -> Y: takes blobs of any type and says what it got.

#include <string>

namespace doppio {

// How often TestScale's engine FAST ran.
int& FastRuns();

}  // namespace doppio

#endif  // DOPPIO_TESTS_OPERATOR_TEST_OPERATORS_H_
