#ifndef DOPPIO_TESTS_OPS_DETECTION_SPECIAL_VALUES_H_
#define DOPPIO_TESTS_OPS_DETECTION_SPECIAL_VALUES_H_

#include <limits>

namespace doppio {

inline constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
inline constexpr float kInfinity = std::numeric_limits<float>::infinity();

}  // namespace doppio

#endif  // DOPPIO_TESTS_OPS_DETECTION_SPECIAL_VALUES_H_
