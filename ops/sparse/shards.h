#ifndef DOPPIO_OPS_SPARSE_SHARDS_H_
#define DOPPIO_OPS_SPARSE_SHARDS_H_

// How keys are dealt out to shards: by what is left when they are divided by the number of shards.

#include <cstdint>

namespace doppio {

// In [0, shards), also for a negative key.
inline int64_t ShardOf(int64_t key, int64_t shards) {
  const int64_t rest = key % shards;
  return rest < 0 ? rest + shards : rest;
}

// The key without its shard: the quotient, rounded down.
inline int64_t KeyInShard(int64_t key, int64_t shards) {
  return key / shards - (key % shards < 0 ? 1 : 0);
}

}  // namespace doppio

#endif  // DOPPIO_OPS_SPARSE_SHARDS_H_
