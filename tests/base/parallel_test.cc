#include "doppio/parallel.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "src/base/waiting_threads.h"
#include "tests/support/forked_process.h"

namespace doppio {
namespace {

class ParallelForTest : public testing::Test {
 protected:
  ~ParallelForTest() override { SetNumThreads(before_); }

 private:
  int before_ = NumThreads();
};

TEST_F(ParallelForTest, VisitsEachIndexOnce) {
  for (int threads : {1, 2, 3, 8}) {
    SetNumThreads(threads);
    for (int64_t size : {0, 1, 2, 3, 7, 8, 9, 100, 1001}) {
      for (int64_t grain : {0, 1, 2, 50, 5000}) {
        std::vector<std::atomic<int>> visits(static_cast<size_t>(size));
        ParallelFor(size, grain, [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) ++visits[static_cast<size_t>(i)];
        });
        for (const auto& count : visits) ASSERT_EQ(count, 1) << size << " " << grain;
      }
    }
  }
}

TEST_F(ParallelForTest, WorksInAChildProcessOfOneThatUsedThreads) {
  SetNumThreads(4);
  const auto count_to_1000 = [] {
    std::atomic<int64_t> visited{0};
    ParallelFor(1000, 1, [&](int64_t begin, int64_t end) { visited += end - begin; });
    return visited == 1000;
  };
  ASSERT_TRUE(count_to_1000());
  EXPECT_TRUE(SucceedsInAForkedProcess(
      [&] { return count_to_1000() ? absl::OkStatus() : absl::InternalError("counts wrongly"); }));
  EXPECT_TRUE(count_to_1000());
}

TEST_F(ParallelForTest, DoesNothingForANegativeSize) {
  ParallelFor(-5, 1, [](int64_t, int64_t) { FAIL(); });
}

TEST_F(ParallelForTest, TakesTheLargestSize) {
  SetNumThreads(2);
  std::atomic<int64_t> last{0};
  ParallelFor(std::numeric_limits<int64_t>::max(), 1, [&](int64_t, int64_t end) {
    int64_t seen = last;
    while (seen < end && !last.compare_exchange_weak(seen, end)) {
    }
  });
  EXPECT_EQ(last, std::numeric_limits<int64_t>::max());
}

TEST_F(ParallelForTest, MakesOnePieceWhereTheGrainSaysSo) {
  SetNumThreads(4);
  int pieces = 0;
  ParallelFor(100, 100, [&](int64_t begin, int64_t end) {
    ++pieces;
    EXPECT_EQ(begin, 0);
    EXPECT_EQ(end, 100);
  });
  EXPECT_EQ(pieces, 1);
}

TEST_F(ParallelForTest, OneThreadStaysOnTheCaller) {
  SetNumThreads(1);
  const std::thread::id caller = std::this_thread::get_id();
  ParallelFor(1000, 1, [&](int64_t, int64_t) { EXPECT_EQ(std::this_thread::get_id(), caller); });
}

TEST_F(ParallelForTest, RunsSeriallyInsideAnother) {
  SetNumThreads(2);
  std::atomic<int> inner_pieces{0};
  std::atomic<int> outer_pieces{0};
  ParallelFor(2, 1, [&](int64_t, int64_t) {
    ++outer_pieces;
    ParallelFor(1000, 1, [&](int64_t, int64_t) { ++inner_pieces; });
  });
  EXPECT_EQ(inner_pieces, outer_pieces);
}

TEST_F(ParallelForTest, RunsSeriallyInASerialScope) {
  SetNumThreads(4);
  int pieces = 0;
  {
    SerialScope outer;
    { SerialScope inner; }
    ParallelFor(1000, 1, [&](int64_t, int64_t) { ++pieces; });
  }
  EXPECT_EQ(pieces, 1);
}

double ProcessSeconds() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// Two programs at once would wait for each other's waiting threads otherwise.
TEST_F(ParallelForTest, ThreadsThatWaitForWorkSleepWhereOthersWantTheProcessors) {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr || std::getenv("GOMP_SPINCOUNT") != nullptr) {
    // Read when the program starts: as another one that is told nothing.
    const std::string command =
        absl::StrCat("env -u OMP_WAIT_POLICY -u GOMP_SPINCOUNT '",
                     std::filesystem::read_symlink("/proc/self/exe").string(), "' --gtest_filter='",
                     testing::UnitTest::GetInstance()->current_test_info()->test_suite_name(), ".",
                     testing::UnitTest::GetInstance()->current_test_info()->name(), "'");
    EXPECT_EQ(std::system(command.c_str()), 0);
    return;
  }
  using Clock = std::chrono::steady_clock;
  using std::chrono::milliseconds;
  SetNumThreads(std::max(NumThreads(), 2));
  const auto work = [] { ParallelFor(1000, 1, [](int64_t, int64_t) {}); };
  std::atomic<bool> enough{false};
  std::vector<std::thread> others(static_cast<size_t>(NumThreads()));
  for (std::thread& other : others) {
    other = std::thread([&] {
      while (!enough.load(std::memory_order_relaxed)) {
      }
    });
  }
  const Clock::time_point limit = Clock::now() + std::chrono::seconds(20);
  while (!WaitingThreadsSleep() && Clock::now() < limit) work();
  enough = true;
  for (std::thread& other : others) other.join();
  ASSERT_TRUE(WaitingThreadsSleep());

  std::this_thread::sleep_for(milliseconds(50));  // what makes them sleep takes a moment to start
  double waited = 0;
  constexpr int kRounds = 10;
  for (int round = 0; round < kRounds; ++round) {
    work();
    const double before = ProcessSeconds();
    std::this_thread::sleep_for(milliseconds(10));
    waited += ProcessSeconds() - before;
  }
  EXPECT_LT(waited / kRounds, 0.0005);  // each of them would spin for a millisecond or more
}

TEST_F(ParallelForTest, CountsBelowOneMeanOne) {
  SetNumThreads(-3);
  EXPECT_EQ(NumThreads(), 1);
}

}  // namespace
}  // namespace doppio
