#ifndef DOPPIO_OPERATOR_NUMBER_MAP_H_
#define DOPPIO_OPERATOR_NUMBER_MAP_H_

#include <cstdint>
#include <map>

namespace doppio {

// What blobs that CreateMap makes hold. In order, so that what is read from one does not depend on
// how it came there.
template <typename Key, typename Value>
using NumberMap = std::map<Key, Value>;

}  // namespace doppio

#endif  // DOPPIO_OPERATOR_NUMBER_MAP_H_
