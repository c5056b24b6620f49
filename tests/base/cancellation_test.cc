#include "doppio/cancellation.h"

#include <atomic>
#include <thread>

#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "src/base/run_scope.h"

namespace doppio {
namespace {

TEST(CancellationTest, EndsNothingUntilItIsCancelled) {
  const Cancellation cancellation;
  const CancellationScope scope(cancellation);
  EXPECT_TRUE(cancellation.status().ok());
  EXPECT_TRUE(CancellationStatus().ok());
  cancellation.Cancel();
  EXPECT_TRUE(absl::IsCancelled(cancellation.status()));
  EXPECT_TRUE(absl::IsCancelled(CancellationStatus()));
}

TEST(CancellationTest, CopiesAreTheSame) {
  const Cancellation cancellation;
  const Cancellation copy = cancellation;
  copy.Cancel();
  EXPECT_TRUE(absl::IsCancelled(cancellation.status()));
}

TEST(CancellationTest, EndsWhenItsTimeIsOver) {
  const Cancellation soon = Cancellation::After(absl::Milliseconds(20));
  const absl::Time begin = absl::Now();
  while (soon.status().ok()) absl::SleepFor(absl::Milliseconds(1));
  EXPECT_TRUE(absl::IsDeadlineExceeded(soon.status()));
  EXPECT_GE(absl::Now() - begin, absl::Milliseconds(19));  // two clocks
}

TEST(CancellationTest, KnowsTimesThatAreOverAndTimesThatNeverAre) {
  for (const Cancellation& over :
       {Cancellation::After(absl::ZeroDuration()), Cancellation::After(-absl::Seconds(1)),
        Cancellation::After(-absl::InfiniteDuration()), Cancellation::At(absl::UnixEpoch()),
        Cancellation::At(absl::InfinitePast())}) {
    EXPECT_TRUE(absl::IsDeadlineExceeded(over.status()));
  }
  for (const Cancellation& never :
       {Cancellation::After(absl::InfiniteDuration()), Cancellation::After(absl::Hours(1e9)),
        Cancellation::At(absl::InfiniteFuture()),
        Cancellation::At(absl::Now() + absl::Hours(24))}) {
    EXPECT_TRUE(never.status().ok());
  }
}

TEST(CancellationTest, AScopeHoldsForItsThreadUntilItEnds) {
  {
    const CancellationScope scope(Cancellation::At(absl::UnixEpoch()));
    EXPECT_TRUE(absl::IsDeadlineExceeded(CancellationStatus()));
    absl::Status on_another_thread;
    std::thread([&] { on_another_thread = CancellationStatus(); }).join();
    EXPECT_TRUE(on_another_thread.ok());
  }
  EXPECT_TRUE(CancellationStatus().ok());
}

TEST(CancellationTest, OfScopesWithinScopesTheFirstToEndCounts) {
  const Cancellation outer;
  const CancellationScope outer_scope(outer);
  {
    const CancellationScope hour(Cancellation::After(absl::Hours(1)));
    {
      const CancellationScope over(Cancellation::At(absl::UnixEpoch()));
      EXPECT_TRUE(absl::IsDeadlineExceeded(CancellationStatus()));
      const CancellationScope longer(Cancellation::After(absl::Hours(2)));
      EXPECT_TRUE(absl::IsDeadlineExceeded(CancellationStatus()));
    }
    EXPECT_TRUE(CancellationStatus().ok());
    outer.Cancel();
    EXPECT_TRUE(absl::IsCancelled(CancellationStatus()));
  }
}

TEST(CancellationTest, WhatADeadlineEndedIsNotTakenForCancelled) {
  const std::atomic<bool> is_cancelled{true};  // by who saw the deadline first
  const CancellationScope over(Cancellation::At(absl::UnixEpoch()));
  const internal::RunScope net(&is_cancelled);
  EXPECT_TRUE(absl::IsDeadlineExceeded(CancellationStatus()));
}

TEST(CancellationTest, AThreadThatHelpsEndsWithTheRun) {
  const Cancellation cancellation;
  const CancellationScope scope(cancellation);
  std::thread helper([run = internal::RunScope::current] {
    {
      const internal::HelpWithRun help(run);
      while (CancellationStatus().ok()) std::this_thread::yield();
    }
    EXPECT_TRUE(CancellationStatus().ok());
  });
  cancellation.Cancel();
  helper.join();
}

}  // namespace
}  // namespace doppio
