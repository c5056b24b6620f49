#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/net_bytes.h"

namespace doppio {
namespace {

DOPPIO_FUZZ_TARGET(
    json_net, [] { return NetSeeds(Encoding::kJson); }, TryNetBytes);

}  // namespace
}  // namespace doppio
