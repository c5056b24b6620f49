// What the machine itself can do, for the comparisons of `tools/bench-peers`: how fast memory of a
// size is filled, copied and read, and how many multiply-adds it does.
//
//   peer_limits THREADS BYTES
//
// Prints a line for each: its name and GB (of the buffer) or Gflop a second, median of some.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/peer_programs/limits.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "hwy/aligned_allocator.h"
#include "hwy/cache_control.h"
#include "hwy/highway.h"

#ifndef DOPPIO_BENCH_LIMITS_ONCE
#define DOPPIO_BENCH_LIMITS_ONCE
namespace {

constexpr int64_t kRounds = 1 << 18;  // of multiply-adds

struct Work {
  float* to;
  const float* from;
  int64_t size;
  float result;
};  // read before loops: for all that the compiler knows, what they store is in it

}  // namespace
#endif  // DOPPIO_BENCH_LIMITS_ONCE

HWY_BEFORE_NAMESPACE();
namespace {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;

void Fill(Work* w) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto value = hn::Set(d, 1.5F);
  const auto [to, from, size, result] = *w;
  for (int64_t i = 0; i < size; i += lanes) hn::Store(value, d, to + i);
}

void NonTemporalFill(Work* w) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto value = hn::Set(d, 1.5F);
  const auto [to, from, size, result] = *w;
  for (int64_t i = 0; i < size; i += lanes) hn::Stream(value, d, to + i);
  hwy::FlushStream();
}

void Copy(Work* w) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto [to, from, size, result] = *w;
  for (int64_t i = 0; i < size; i += lanes) hn::Store(hn::Load(d, from + i), d, to + i);
}

void ReadSum(Work* w) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto a = hn::Zero(d);
  auto b = a;
  auto c = a;
  auto e = a;
  for (int64_t i = 0; i < w->size; i += 4 * lanes) {
    a = hn::Add(a, hn::Load(d, w->from + i));
    b = hn::Add(b, hn::Load(d, w->from + i + lanes));
    c = hn::Add(c, hn::Load(d, w->from + i + 2 * lanes));
    e = hn::Add(e, hn::Load(d, w->from + i + 3 * lanes));
  }
  w->result = hn::GetLane(hn::Add(hn::Add(a, b), hn::Add(c, e)));
}

// As many sums as the latency of a multiply-add needs.
void MultiplyAdds(Work* w) {
  constexpr int kSums = 12;
  const D d;
  hn::Vec<D> sums[kSums];
  for (auto& sum : sums) sum = hn::Set(d, w->result);
  const auto factor = hn::Set(d, 0.5F);
  for (int64_t i = 0; i < kRounds; ++i) {
    HWY_UNROLL(12)
    for (int s = 0; s < kSums; ++s) sums[s] = hn::MulAdd(sums[s], factor, factor);
  }
  auto all = sums[0];
  for (int s = 1; s < kSums; ++s) all = hn::Add(all, sums[s]);
  w->result = hn::GetLane(all);
}

int64_t Operations() { return 2 * 12 * kRounds * static_cast<int64_t>(hn::Lanes(D())); }

}  // namespace HWY_NAMESPACE
}  // namespace
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace {

HWY_EXPORT(Fill);
HWY_EXPORT(NonTemporalFill);
HWY_EXPORT(Copy);
HWY_EXPORT(ReadSum);
HWY_EXPORT(MultiplyAdds);
HWY_EXPORT(Operations);

// Seconds that all threads take for their parts, the median of some rounds.
template <typename F>
double Seconds(std::vector<Work>* parts, F&& f) {
  std::vector<double> times;
  for (int round = 0; round < 15; ++round) {
    const auto start = std::chrono::steady_clock::now();
    constexpr int kRepeats = 4;  // so that starting threads does not count
    std::vector<std::thread> threads;
    for (size_t i = 1; i < parts->size(); ++i) {
      threads.emplace_back([&f, part = &(*parts)[i]] {
        for (int r = 0; r < kRepeats; ++r) f(part);
      });
    }
    for (int r = 0; r < kRepeats; ++r) f(parts->data());
    for (std::thread& thread : threads) thread.join();
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    times.push_back(taken.count() / kRepeats);
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "peer_limits: two arguments: threads, bytes\n");
    return 2;
  }
  const int64_t threads = std::atoll(argv[1]);
  constexpr int64_t kStep = 256;  // floats: more than what a loop takes at once
  const int64_t size = std::atoll(argv[2]) / 4 / threads / kStep * kStep;
  const auto to = hwy::AllocateAligned<float>(static_cast<size_t>(size * threads));
  const auto from = hwy::AllocateAligned<float>(static_cast<size_t>(size * threads));
  std::fill_n(to.get(), size * threads, 1.0F);
  std::fill_n(from.get(), size * threads, 1.0F);
  std::vector<Work> parts;
  for (int64_t i = 0; i < threads; ++i) {
    parts.push_back({to.get() + i * size, from.get() + i * size, size, 0.5F});
  }
  const double bytes = 4.0 * static_cast<double>(size * threads);
  const auto print = [&](const char* name, double amount, auto f) {
    std::printf("%s %.4g\n", name, amount / Seconds(&parts, f) * 1e-9);
  };
  print("fill", bytes, [](Work* w) { HWY_DYNAMIC_DISPATCH(Fill)(w); });
  print("nontemporal_fill", bytes, [](Work* w) { HWY_DYNAMIC_DISPATCH(NonTemporalFill)(w); });
  print("copy", bytes, [](Work* w) { HWY_DYNAMIC_DISPATCH(Copy)(w); });
  print("read", bytes, [](Work* w) { HWY_DYNAMIC_DISPATCH(ReadSum)(w); });
  print("multiply_adds", static_cast<double>(HWY_DYNAMIC_DISPATCH(Operations)() * threads),
        [](Work* w) {
          HWY_DYNAMIC_DISPATCH(MultiplyAdds)
          (w);
        });
  return 0;
}
#endif  // HWY_ONCE
