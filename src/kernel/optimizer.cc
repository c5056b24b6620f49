#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernel/optimizer.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include "hwy/highway.h"
#include "src/kernel/elementwise-inl.h"
#include "src/kernel/optimizer.h"
#include "src/kernel/sum-inl.h"

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

using F = Tag<float>;
using V = hn::Vec<F>;

// A whole vector of elements at `at`.
struct Whole {
  int64_t at;

  HWY_INLINE V Load(F d, const float* p) const { return hn::LoadU(d, p + at); }
  HWY_INLINE void Store(F d, V v, float* p) const { hn::StoreU(v, d, p + at); }
  HWY_INLINE void LoadPairs(F d, const float* p, V& first, V& second) const {
    hn::LoadInterleaved2(d, p + 2 * at, first, second);
  }
  HWY_INLINE void StorePairs(F d, V first, V second, float* p) const {
    hn::StoreInterleaved2(first, second, d, p + 2 * at);
  }
};

// What is left at the end: fewer elements than a vector has, by way of a buffer.
struct Rest {
  int64_t at;
  int64_t count;

  HWY_INLINE V Load(F d, const float* p) const {
    HWY_ALIGN float room[kMaxLanes<float>] = {};
    std::copy_n(p + at, count, room);
    return hn::Load(d, room);
  }
  HWY_INLINE void Store(F d, V v, float* p) const {
    HWY_ALIGN float room[kMaxLanes<float>];
    hn::Store(v, d, room);
    std::copy_n(room, count, p + at);
  }
  HWY_INLINE void LoadPairs(F d, const float* p, V& first, V& second) const {
    HWY_ALIGN float room[2 * kMaxLanes<float>] = {};
    std::copy_n(p + 2 * at, 2 * count, room);
    hn::LoadInterleaved2(d, room, first, second);
  }
  HWY_INLINE void StorePairs(F d, V first, V second, float* p) const {
    HWY_ALIGN float room[2 * kMaxLanes<float>];
    hn::StoreInterleaved2(first, second, d, room);
    std::copy_n(room, 2 * count, p + 2 * at);
  }
};

// step(tag, where) for vectors that cover [0, n). All loads of a vector come before its stores, so
// results may be written over their operands.
template <class Step>
HWY_INLINE void ForEachVector(int64_t n, const Step& step) {
  const F d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) step(d, Whole{i});
  if (i < n) step(d, Rest{i, n - i});
}

void Momentum(const MomentumStep& step, int64_t n, Slot grad, Slot moment, Slot param) {
  ForEachVector(n, [&](F d, auto at) HWY_ATTR {
    const V momentum = hn::Set(d, step.momentum);
    const V old = at.Load(d, moment.in);
    const V next = hn::MulAdd(momentum, old, hn::Mul(hn::Set(d, step.lr), at.Load(d, grad.in)));
    V change = next;
    if (step.nesterov) {
      const V ahead = hn::Mul(hn::Set(d, 1 + step.momentum), next);
      change = hn::NegMulAdd(momentum, old, ahead);
    }
    if (param.in != nullptr) {
      at.Store(d, hn::Sub(at.Load(d, param.in), change), param.out);
    }
    at.Store(d, next, moment.out);
    if (grad.out != nullptr) at.Store(d, change, grad.out);
  });
}

void Adagrad(const AdagradStep& step, int64_t n, const float* grad, Slot param, Slot moment,
             float* rate, float* update) {
  ForEachVector(n, [&](F d, auto at) HWY_ATTR {
    const V w = at.Load(d, param.in);
    const V scaled = hn::Mul(hn::Set(d, step.scale), at.Load(d, grad));
    const V g = hn::MulAdd(hn::Set(d, step.weight_decay), w, scaled);
    const V h = hn::MulAdd(g, g, hn::Mul(hn::Set(d, step.decay), at.Load(d, moment.in)));
    const V r = hn::Div(hn::Set(d, step.lr), hn::Add(hn::Sqrt(h), hn::Set(d, step.epsilon)));
    const V change = hn::Mul(r, g);
    at.Store(d, h, moment.out);
    at.Store(d, hn::Add(w, change), param.out);
    if (rate != nullptr) at.Store(d, r, rate);
    if (update != nullptr) at.Store(d, change, update);
  });
}

void Adam(const AdamStep& step, int64_t n, const float* grad, Slot param, Slot m1, Slot m2,
          float* direction) {
  ForEachVector(n, [&](F d, auto at) HWY_ATTR {
    const V w = at.Load(d, param.in);
    const V g = at.Load(d, grad);
    const V old = at.Load(d, m1.in);
    const V m = hn::MulAdd(hn::Set(d, step.decay1), old, hn::Mul(hn::Set(d, step.gain1), g));
    const V caught_up = hn::MulAdd(hn::Set(d, step.catch_up), old, m);
    V change = hn::Mul(hn::Set(d, step.factor), caught_up);
    if (m2.in != nullptr) {
      const V square = hn::Mul(hn::Mul(g, g), hn::Set(d, step.gain2));
      const V v = hn::MulAdd(hn::Set(d, step.decay2), at.Load(d, m2.in), square);
      if (step.adaptive) change = hn::Div(change, hn::Add(hn::Sqrt(v), hn::Set(d, step.epsilon)));
      at.Store(d, v, m2.out);
    }
    const V decayed = hn::MulAdd(hn::Set(d, step.weight_decay), w, change);
    at.Store(d, m, m1.out);
    at.Store(d, hn::MulAdd(hn::Set(d, step.lr), decayed, w), param.out);
    if (direction != nullptr) at.Store(d, change, direction);
  });
}

void Scaled(const ScaledStep& step, int64_t n, const float* grad, Slot param, float* update) {
  ForEachVector(n, [&](F d, auto at) HWY_ATTR {
    const V w = at.Load(d, param.in);
    const V scaled = hn::Mul(hn::Set(d, step.scale), at.Load(d, grad));
    const V g = hn::MulAdd(hn::Set(d, step.weight_decay), w, scaled);
    const V change = hn::Mul(hn::Set(d, step.rate), g);
    at.Store(d, hn::Add(w, change), param.out);
    if (update != nullptr) at.Store(d, change, update);
  });
}

void Adadelta(const AdadeltaStep& step, int64_t n, const float* grad, Slot param, Slot moment_grad,
              Slot moment_delta) {
  ForEachVector(n, [&](F d, auto at) HWY_ATTR {
    const V decay = hn::Set(d, step.decay);
    const V rest = hn::Set(d, 1 - step.decay);
    const V epsilon = hn::Set(d, step.epsilon);
    const V w = at.Load(d, param.in);
    const V g = at.Load(d, grad);
    const V delta = at.Load(d, moment_delta.in);
    const V h = hn::MulAdd(hn::Mul(rest, g), g, hn::Mul(decay, at.Load(d, moment_grad.in)));
    const V ratio = hn::Div(hn::Sqrt(hn::Add(delta, epsilon)), hn::Sqrt(hn::Add(h, epsilon)));
    const V change = hn::Mul(ratio, g);
    at.Store(d, h, moment_grad.out);
    at.Store(d, hn::MulAdd(hn::Mul(rest, change), change, hn::Mul(decay, delta)), moment_delta.out);
    at.Store(d, hn::MulAdd(hn::Set(d, step.lr), change, w), param.out);
  });
}

void RmsProp(const RmsPropStep& step, int64_t n, Slot grad, Slot squares, Slot moment) {
  ForEachVector(n, [&](F d, auto at) HWY_ATTR {
    const V g = at.Load(d, grad.in);
    const V old = at.Load(d, squares.in);
    const V s = hn::MulAdd(hn::Set(d, 1 - step.decay), hn::MulSub(g, g, old), old);
    const V root = hn::Sqrt(hn::Add(hn::Set(d, step.epsilon), s));
    const V change = hn::Div(hn::Mul(hn::Set(d, step.lr), g), root);
    const V m = hn::MulAdd(hn::Set(d, step.momentum), at.Load(d, moment.in), change);
    at.Store(d, s, squares.out);
    at.Store(d, m, moment.out);
    at.Store(d, m, grad.out);
  });
}

void Storm(const StormStep& step, int64_t n, const float* grad, Slot param, Slot moment) {
  ForEachVector(n, [&](F d, auto at) HWY_ATTR {
    const V w = at.Load(d, param.in);
    const V g = at.Load(d, grad);
    const V m = hn::MulAdd(hn::Set(d, 1 - step.alpha), hn::Sub(at.Load(d, moment.in), g), g);
    at.Store(d, m, moment.out);
    at.Store(d, hn::MulAdd(hn::Set(d, step.rate), m, w), param.out);
  });
}

void Average(const AverageStep& step, int64_t n, const float* grad, Slot mean, Slot squares) {
  ForEachVector(n, [&](F d, auto at) HWY_ATTR {
    const V decay = hn::Set(d, step.decay);
    const V rest = hn::Set(d, 1 - step.decay);
    const V g = at.Load(d, grad);
    const V m = hn::MulAdd(decay, at.Load(d, mean.in), hn::Mul(rest, g));
    const V s = hn::MulAdd(decay, at.Load(d, squares.in), hn::Mul(rest, hn::Mul(g, g)));
    at.Store(d, m, mean.out);
    at.Store(d, s, squares.out);
  });
}

// n and z become the next ones. sqrt(n') - sqrt(n) is computed as grad^2 / (sqrt(n') + sqrt(n)),
// which loses no digits where n is large.
HWY_INLINE void NextPair(F d, const FtrlStep& step, V g, V w, V& n, V& z) {
  const V square = hn::Mul(g, g);
  const V next = hn::Add(n, square);
  const V sum = hn::Add(hn::Sqrt(next), hn::Sqrt(n));
  const V zero = hn::Zero(d);
  const V difference = hn::IfThenElse(hn::Eq(sum, zero), zero, hn::Div(square, sum));
  const V sigma = hn::Mul(difference, hn::Set(d, step.alpha_inverse));
  z = hn::NegMulAdd(sigma, w, hn::Add(z, g));
  n = next;
}

HWY_INLINE V FtrlDivisor(F d, const FtrlStep& step, V n) {
  return hn::MulAdd(hn::Add(hn::Set(d, step.beta), hn::Sqrt(n)), hn::Set(d, step.alpha_inverse),
                    hn::Set(d, step.lambda2));
}

void Ftrl(const FtrlStep& step, int64_t count, const float* grad, Slot param, Slot n_z) {
  ForEachVector(count, [&](F d, auto at) HWY_ATTR {
    const V lambda1 = hn::Set(d, step.lambda1);
    V n = hn::Zero(d);
    V z = hn::Zero(d);
    at.LoadPairs(d, n_z.in, n, z);
    NextPair(d, step, at.Load(d, grad), at.Load(d, param.in), n, z);
    const V excess = hn::Sub(hn::CopySign(lambda1, z), z);
    const V w = hn::Div(excess, FtrlDivisor(d, step, n));
    at.StorePairs(d, n, z, n_z.out);
    // NaN is not small: it goes on.
    at.Store(d, hn::IfThenZeroElse(hn::Le(hn::Abs(z), lambda1), w), param.out);
  });
}

void GroupFtrl(const FtrlStep& step, int64_t count, const float* grad, Slot param, Slot n_z,
               const float* norms) {
  ForEachVector(count, [&](F d, auto at) HWY_ATTR {
    const V lambda1 = hn::Set(d, step.lambda1);
    const V norm = at.Load(d, norms);
    V n = hn::Zero(d);
    V z = hn::Zero(d);
    at.LoadPairs(d, n_z.in, n, z);
    NextPair(d, step, at.Load(d, grad), at.Load(d, param.in), n, z);
    const V shrunk = hn::Mul(z, hn::Sub(hn::Div(lambda1, norm), hn::Set(d, 1)));
    const V w = hn::Div(shrunk, FtrlDivisor(d, step, n));
    at.StorePairs(d, n, z, n_z.out);
    at.Store(d, hn::IfThenZeroElse(hn::Le(norm, lambda1), w), param.out);
  });
}

void GroupZ(const FtrlStep& step, int64_t count, const float* grad, const float* param,
            const float* n_z, float* next_z) {
  ForEachVector(count, [&](F d, auto at) HWY_ATTR {
    V n = hn::Zero(d);
    V z = hn::Zero(d);
    at.LoadPairs(d, n_z, n, z);
    NextPair(d, step, at.Load(d, grad), at.Load(d, param), n, z);
    at.Store(d, z, next_z);
  });
}

double Products(const float* a, const float* b, int64_t n) {
  return SumOf<float>(n, [&](int64_t i) HWY_ATTR { return a[i] * b[i]; });
}

double Squares(const ScaledStep& step, const float* grad, const float* param, int64_t n) {
  return SumOf<float>(n, [&](int64_t i) HWY_ATTR {
    const float g = step.scale * grad[i] + step.weight_decay * param[i];
    return g * g;
  });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio {
namespace {

HWY_EXPORT(Momentum);
HWY_EXPORT(Adagrad);
HWY_EXPORT(Adam);
HWY_EXPORT(Scaled);
HWY_EXPORT(Adadelta);
HWY_EXPORT(RmsProp);
HWY_EXPORT(Storm);
HWY_EXPORT(Average);
HWY_EXPORT(Ftrl);
HWY_EXPORT(GroupFtrl);
HWY_EXPORT(GroupZ);
HWY_EXPORT(Products);
HWY_EXPORT(Squares);

}  // namespace

void TakeStep(const MomentumStep& step, int64_t n, Slot grad, Slot moment, Slot param) {
  HWY_DYNAMIC_DISPATCH(Momentum)(step, n, grad, moment, param);
}
void TakeStep(const AdagradStep& step, int64_t n, const float* grad, Slot param, Slot moment,
              float* rate, float* update) {
  HWY_DYNAMIC_DISPATCH(Adagrad)(step, n, grad, param, moment, rate, update);
}
void TakeStep(const AdamStep& step, int64_t n, const float* grad, Slot param, Slot m1, Slot m2,
              float* direction) {
  HWY_DYNAMIC_DISPATCH(Adam)(step, n, grad, param, m1, m2, direction);
}
void TakeStep(const ScaledStep& step, int64_t n, const float* grad, Slot param, float* update) {
  HWY_DYNAMIC_DISPATCH(Scaled)(step, n, grad, param, update);
}
void TakeStep(const AdadeltaStep& step, int64_t n, const float* grad, Slot param, Slot moment_grad,
              Slot moment_delta) {
  HWY_DYNAMIC_DISPATCH(Adadelta)(step, n, grad, param, moment_grad, moment_delta);
}
void TakeStep(const RmsPropStep& step, int64_t n, Slot grad, Slot squares, Slot moment) {
  HWY_DYNAMIC_DISPATCH(RmsProp)(step, n, grad, squares, moment);
}
void TakeStep(const StormStep& step, int64_t n, const float* grad, Slot param, Slot moment) {
  HWY_DYNAMIC_DISPATCH(Storm)(step, n, grad, param, moment);
}
void TakeStep(const AverageStep& step, int64_t n, const float* grad, Slot mean, Slot squares) {
  HWY_DYNAMIC_DISPATCH(Average)(step, n, grad, mean, squares);
}
void TakeStep(const FtrlStep& step, int64_t n, const float* grad, Slot param, Slot n_z) {
  HWY_DYNAMIC_DISPATCH(Ftrl)(step, n, grad, param, n_z);
}
void TakeGroupStep(const FtrlStep& step, int64_t n, const float* grad, Slot param, Slot n_z,
                   const float* norm) {
  HWY_DYNAMIC_DISPATCH(GroupFtrl)(step, n, grad, param, n_z, norm);
}
void NextZ(const FtrlStep& step, int64_t n, const float* grad, const float* param, const float* n_z,
           float* z) {
  HWY_DYNAMIC_DISPATCH(GroupZ)(step, n, grad, param, n_z, z);
}
double SumOfProducts(const float* a, const float* b, int64_t n) {
  return HWY_DYNAMIC_DISPATCH(Products)(a, b, n);
}
double SumOfSquares(const ScaledStep& step, const float* grad, const float* param, int64_t n) {
  return HWY_DYNAMIC_DISPATCH(Squares)(step, grad, param, n);
}

}  // namespace doppio
#endif  // HWY_ONCE
