#include "src/base/waiting_threads.h"

#include <fcntl.h>
#include <omp.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <mutex>
#include <utility>

namespace doppio {
namespace {

// A team of two threads that has nothing to do. How long OpenMP spins is said when it is loaded,
// before a library can say anything; but where there are more threads than processors it spins for
// a hundred turns at most, and threads that sleep count.
class IdleTeam {
 public:
  IdleTeam() { sem_init(&end_, 0, 0); }

  bool is_there() const { return is_there_.load(std::memory_order_relaxed); }

  void Start() {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are for the program's own threads
    pthread_t thread;
    const bool started = pthread_create(&thread, nullptr, Stay, this) == 0;
    if (started) pthread_detach(thread);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    is_there_.store(started, std::memory_order_relaxed);
  }

  // OpenMP takes the team apart when its first thread ends.
  void End() {
    is_there_.store(false, std::memory_order_relaxed);
    sem_post(&end_);
  }

 private:
  static void* Stay(void* team) {
    std::atomic<int> members{0};
#pragma omp parallel num_threads(2)
    ++members;
    while (sem_wait(&static_cast<IdleTeam*>(team)->end_) != 0 && errno == EINTR) {
    }
    return nullptr;
  }

  std::atomic<bool> is_there_{false};
  sem_t end_;
};

int64_t NowMs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

// What the calling thread had of the processors, in nanoseconds.
struct Share {
  int64_t ran = 0;
  int64_t waited = 0;  // for one, while it could have run
  int64_t looked = 0;  // when, in milliseconds
};

// False where the kernel does not say.
bool ReadShare(Share* share) {
  const int file = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  char text[80];
  const ssize_t size = read(file, text, sizeof(text) - 1);
  close(file);
  if (size <= 0) return false;
  text[size] = '\0';
  return std::sscanf(text, "%" SCNd64 " %" SCNd64, &share->ran, &share->waited) == 2;
}

class Watch {
 public:
  bool is_crowded() const { return team_.is_there(); }

  void Look() {
    const int64_t now = NowMs();
    if (now < next_look_.load(std::memory_order_relaxed)) return;
    const std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
    if (!lock.owns_lock() || now < next_look_.load(std::memory_order_relaxed)) return;
    next_look_.store(now + kInterval, std::memory_order_relaxed);
    bool waits;
    Share share;
    share.looked = now;
    if (ReadShare(&share)) {
      thread_local Share last;
      const Share before = std::exchange(last, share);
      if (now - before.looked > kLongest) return;
      const int64_t waited = share.waited - before.waited;
      waits = waited * kCrowded > waited + share.ran - before.ran;
    } else {
      waits = IsPreemptedOften(now);
    }
    Decide(now, waits && waited_before_);
    waited_before_ = waits;
  }

 private:
  static constexpr int64_t kInterval = 40;  // milliseconds between two looks
  static constexpr int64_t kLongest = 400;  // between two of a thread
  // Where a thread waits for a quarter of the time that it wants to run, twice in turn, others want
  // the processors too. Beside programs that only now and then wake up it is a twentieth.
  static constexpr int64_t kCrowded = 4;
  static constexpr int64_t kOften = 150;           // preemptions in a second; alone it is some ten
  static constexpr int64_t kLeastPatience = 1000;  // how long it is quiet before they spin again
  static constexpr int64_t kMostPatience = 16000;

  // How often threads of this process were made to give up their processors: it tells less, but
  // every kernel says it.
  bool IsPreemptedOften(int64_t now) {
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    const int64_t preemptions = usage.ru_nivcsw - std::exchange(preemptions_, usage.ru_nivcsw);
    const int64_t elapsed = now - std::exchange(last_look_, now);
    return preemptions * 1000 > kOften * elapsed;
  }

  void Decide(int64_t now, bool is_crowded) {
    if (is_crowded) last_crowded_ = now;
    if (is_crowded && !team_.is_there()) {
      // Where spinning was wrong again at once, it is tried less often.
      const bool at_once = now - team_ended_ < kLeastPatience;
      patience_ = at_once ? std::min(2 * patience_, kMostPatience) : kLeastPatience;
      team_.Start();
    } else if (team_.is_there() && now - last_crowded_ > patience_) {
      team_.End();
      team_ended_ = now;
    }
  }

  std::atomic<int64_t> next_look_{0};
  std::mutex mutex_;  // of what follows
  bool waited_before_ = false;
  int64_t preemptions_ = 0;
  int64_t last_look_ = 0;
  int64_t last_crowded_ = 0;
  int64_t team_ended_ = 0;
  int64_t patience_ = kLeastPatience;
  IdleTeam team_;
};

Watch& TheWatch() {
  static Watch& watch = *new Watch;
  return watch;
}

}  // namespace

void WatchWaitingThreads(int count) {
  static const bool user_decides =
      std::getenv("OMP_WAIT_POLICY") != nullptr || std::getenv("GOMP_SPINCOUNT") != nullptr;
  static const int processors = omp_get_num_procs();
  if (!user_decides && count >= processors) TheWatch().Look();
}

bool WaitingThreadsSleep() { return TheWatch().is_crowded(); }

}  // namespace doppio
