#ifndef DOPPIO_TESTS_FUZZ_HARD_NET_H_
#define DOPPIO_TESTS_FUZZ_HARD_NET_H_

#include "tests/support/choices.h"
#include "tests/support/random_net.h"

namespace doppio {

// A net of any operators of the registry: usual cases of the table and hard ones (hard_values.h),
// which read what others wrote, write over it, and are put into nets of If. Mostly each operator
// runs after those before it; now and then one fails. Operators have run once while the net was
// drawn, within what TightLimits allows.
RandomNet MakeHardNet(Choices* choices);

}  // namespace doppio

#endif  // DOPPIO_TESTS_FUZZ_HARD_NET_H_
