#ifndef DOPPIO_LIMITS_H_
#define DOPPIO_LIMITS_H_

// Threads: values; each has its own, or all only read them.

#include <cstdint>

#include "doppio/file_access.h"

namespace doppio {

// What a file or a net may ask for. Every reader takes one; the defaults suit files that one does
// not trust.
struct Limits {
  int max_nesting = 100;              // messages in messages, subnets of If and While included
  int64_t max_operators = 1'000'000;  // of one net, subnets included
  int64_t max_file_bytes = int64_t{2} << 30;  // protobuf itself stops at 2 GiB
  int64_t max_tensor_bytes = int64_t{1} << 40;
  int64_t max_image_pixels = int64_t{1} << 28;  // a small file may claim a huge picture
  // Blobs in a file may be readers, which open the database that they name.
  FileAccess file_access = FileAccess::Within(".");
};

// The largest number of dimensions of a tensor, as in NumPy.
inline constexpr int kMaxRank = 32;

}  // namespace doppio

#endif  // DOPPIO_LIMITS_H_
