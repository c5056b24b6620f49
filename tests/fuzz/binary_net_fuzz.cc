#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/net_bytes.h"

namespace doppio {
namespace {

DOPPIO_FUZZ_TARGET(
    binary_net, [] { return NetSeeds(Encoding::kBinary); }, TryNetBytes);

}  // namespace
}  // namespace doppio
