#include "src/runtime/prefetcher.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

#include "gtest/gtest.h"
#include "src/base/run_scope.h"
#include "tests/support/forked_process.h"

namespace doppio {
namespace {

constexpr auto kMoment = std::chrono::milliseconds(1);

TEST(PrefetcherTest, GivesWhatWasMadeInOrder) {
  for (const bool is_ahead : {true, false}) {
    int made = 0;
    Prefetcher prefetcher(
        [&made] {
          ++made;
          return absl::OkStatus();
        },
        is_ahead);
    for (int i = 1; i <= 100; ++i) {
      int taken = 0;
      ASSERT_TRUE(prefetcher
                      .Take([&] {
                        taken = made;
                        return absl::OkStatus();
                      })
                      .ok());
      EXPECT_EQ(taken, i);
    }
  }
}

TEST(PrefetcherTest, MakesTheNextOneBeforeItIsAskedFor) {
  std::atomic<int> made{0};
  Prefetcher prefetcher([&made] {
    ++made;
    return absl::OkStatus();
  });
  ASSERT_TRUE(prefetcher.Take([] { return absl::OkStatus(); }).ok());
  while (made < 2) std::this_thread::sleep_for(kMoment);
}

TEST(PrefetcherTest, MakesNothingBeforeTheFirstTake) {
  int made = 0;
  {
    Prefetcher prefetcher([&made] {
      ++made;
      return absl::OkStatus();
    });
  }
  EXPECT_EQ(made, 0);
}

TEST(PrefetcherTest, AnErrorComesOnceAndTheNextTakeTriesAgain) {
  int made = 0;
  Prefetcher prefetcher(
      [&made] { return ++made == 1 ? absl::DataLossError("torn") : absl::OkStatus(); });
  const auto nothing = [] { return absl::OkStatus(); };
  EXPECT_EQ(prefetcher.Take(nothing), absl::DataLossError("torn"));
  EXPECT_TRUE(prefetcher.Take(nothing).ok());
  EXPECT_EQ(prefetcher.Take([] { return absl::InternalError("full"); }),
            absl::InternalError("full"));
  EXPECT_TRUE(prefetcher.Take(nothing).ok());
}

// Waits as those who wait for a queue do.
absl::Status WaitForever() {
  while (!internal::IsInterrupted()) std::this_thread::sleep_for(kMoment);
  return absl::CancelledError("");
}

TEST(PrefetcherTest, ItsEndDoesNotWaitForWhatNeverComes) {
  bool has_batch = true;
  Prefetcher prefetcher([&has_batch] {
    if (!has_batch) return WaitForever();
    has_batch = false;
    return absl::OkStatus();
  });
  EXPECT_TRUE(prefetcher.Take([] { return absl::OkStatus(); }).ok());
}

TEST(PrefetcherTest, AForkedProcessSaysThatItCanNotGoOn) {
  auto prefetcher = std::make_unique<Prefetcher>([] { return absl::OkStatus(); });
  const auto nothing = [] { return absl::OkStatus(); };
  ASSERT_TRUE(prefetcher->Take(nothing).ok());
  EXPECT_TRUE(SucceedsInAForkedProcess([&] {
    const absl::Status status = prefetcher->Take(nothing);
    prefetcher.reset();
    return absl::IsFailedPrecondition(status) ? absl::OkStatus() : absl::InternalError("goes on");
  }));
  EXPECT_TRUE(prefetcher->Take(nothing).ok());
}

TEST(PrefetcherTest, ATakeEndsWithItsRun) {
  Prefetcher prefetcher(WaitForever);
  const std::atomic<bool> is_ended{true};
  const internal::RunScope run(&is_ended);
  const absl::Status status = prefetcher.Take([] { return absl::OkStatus(); });
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
}

}  // namespace
}  // namespace doppio
