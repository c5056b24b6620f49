#include "src/kernel/bytes.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "tests/kernel/shapes.h"

namespace doppio {
namespace {

constexpr size_t kRoom = 20000;

std::vector<uint8_t> Numbered() {
  std::vector<uint8_t> bytes(kRoom);
  for (size_t i = 0; i < kRoom; ++i) bytes[i] = static_cast<uint8_t>(i * 37 + i / 256);
  return bytes;
}

void CheckCopies(Stores stores) {
  const std::vector<uint8_t> src = Numbered();
  for (int64_t bytes = 0; bytes < 700; ++bytes) {
    for (int64_t offset : {0, 1, 8, 33}) {
      std::vector<uint8_t> dst(kRoom, 0xee);
      std::vector<uint8_t> expected = dst;
      std::memcpy(expected.data() + offset, src.data() + offset / 2, bytes);
      CopyBytes(src.data() + offset / 2, dst.data() + offset, bytes, stores);
      FlushStores(stores);
      ASSERT_EQ(dst, expected) << bytes << " bytes to offset " << offset;
    }
  }
}

void CheckRows(Stores stores) {
  const std::vector<uint8_t> src = Numbered();
  for (int64_t row = 1; row < 600; row += 1 + row / 40) {
    for (int64_t count : {0, 1, 2, 3, 7, 30, 150}) {
      if (5 + count * row > static_cast<int64_t>(kRoom)) continue;
      std::vector<uint8_t> dst(kRoom, 0xee);
      std::vector<uint8_t> expected = dst;
      for (int64_t i = 0; i < count; ++i) std::memcpy(&expected[5 + i * row], src.data(), row);
      RepeatRow(src.data(), row, dst.data() + 5, count, stores);
      FlushStores(stores);
      ASSERT_EQ(dst, expected) << count << " rows of " << row;
    }
  }
}

TEST(BytesTest, CopiesAnyLengthToAnyPlaceWithBothKindsOfStores) {
  ForEachTarget([] {
    CheckCopies(Stores::kCached);
    CheckCopies(Stores::kStreaming);
  });
}

TEST(BytesTest, RepeatsRowsOfAnyLengthWithBothKindsOfStores) {
  ForEachTarget([] {
    CheckRows(Stores::kCached);
    CheckRows(Stores::kStreaming);
  });
}

void CheckElements(Stores stores) {
  const std::vector<uint8_t> src = Numbered();
  for (size_t size : {1, 2, 4, 8}) {
    for (int64_t repeat = 1; repeat < 150; ++repeat) {
      const int64_t most = static_cast<int64_t>((kRoom - 3) / size) / repeat;
      for (int64_t count : {int64_t{0}, int64_t{1}, int64_t{2}, int64_t{3}, int64_t{9}, most}) {
        if (count > most || (count == most && repeat % 7 > 2)) continue;
        std::vector<uint8_t> dst(kRoom, 0xee);
        std::vector<uint8_t> expected = dst;
        for (int64_t i = 0; i < count * repeat; ++i) {
          std::memcpy(&expected[3 + i * size], &src[1 + i / repeat * size], size);
        }
        RepeatElements(size, &src[1], count, repeat, &dst[3], stores);
        FlushStores(stores);
        ASSERT_EQ(dst, expected) << count << " elements of " << size << " bytes, " << repeat;
      }
    }
  }
}

TEST(BytesTest, RepeatsElementsWithoutWritingBeyondTheLast) {
  ForEachTarget([] {
    CheckElements(Stores::kCached);
    CheckElements(Stores::kStreaming);
  });
}

}  // namespace
}  // namespace doppio
