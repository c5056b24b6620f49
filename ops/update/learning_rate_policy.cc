#include "ops/update/learning_rate_policy.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace doppio {

const char kLearningRatePolicies[] = R"DOC(
  fixed                 1
  step                  gamma^floor(t / stepsize)
  exp                   gamma^t
  inv                   (1 + gamma t)^-power
  poly                  (1 - t / max_iter)^power
  alter                 1 for active_period, 0 for inactive_period, and so on (active_first)
  gate                  multiplier_1 before num_iter, then multiplier_2
  linearWarmup          from start_multiplier to 1 in num_iter steps, then 1
  constantWarmup        multiplier before num_iter, then 1
  pieceWarmup           m1 before n1, m2 before n2, then m3
  hill                  linearWarmup, then inv, but at least end_multiplier
  slope                 multiplier_1 before num_iter_1, then linear to multiplier_2 at num_iter_2
  cyclical              a triangle between base_lr and max_lr of period 2 stepsize, times decay
  cosine                between max_lr and min_lr by half a cosine of length period, which grows by
                        t_mult and shrinks by lr_shrink every time (Loshchilov and Hutter 2016)
  constantThenLinearWarmup  start_warmup_multiplier for constant_warmup_num_iter, then linear to 1
                        in linear_warmup_num_iter steps
  compositeCyclical, compositeCosine  that warm-up, then cyclical or cosine, whose arguments begin
                        with cyclical_ or cosine_ (cyclical_step_size for stepsize)
  composite             policy i of sub_policy_num_iters for as many iterations as stands there, with
                        arguments that begin with sub_policy_i_, times sub_policy_i_lr_scale
)DOC";

namespace {

// Numbers of iterations are limited to what floating point counts exactly, so that sums of a few of
// them fit into int64.
constexpr int64_t kMostIterations = int64_t{1} << 53;

class PolicyMaker {
 public:
  PolicyMaker(std::string prefix, float base_lr, ArgumentReader* args)
      : prefix_(std::move(prefix)), base_lr_(base_lr), args_(args) {}

  LearningRatePolicy Make(const std::string& name);

 private:
  float Factor(const char* name, float fallback) {
    return args_->GetSingleArgument<float>(prefix_ + name, fallback);
  }
  int64_t Iterations(const char* name, int64_t fallback, int64_t least = 0) {
    const int64_t value = args_->GetSingleArgument<int64_t>(prefix_ + name, fallback);
    if (value >= least && value <= kMostIterations) return value;
    Fail(absl::StrCat("argument \"", prefix_, name, "\" is ", value, ", must be in [", least, ", ",
                      kMostIterations, "]"));
    return std::max<int64_t>(least, 1);
  }
  void Fail(const std::string& message) { args_->Fail(absl::InvalidArgumentError(message)); }

  LearningRatePolicy Alter();
  LearningRatePolicy Cyclical(float max_lr, int64_t stepsize, float decay) const;
  LearningRatePolicy Cosine(const char* prefix);
  LearningRatePolicy ConstantThenLinear(LearningRatePolicy then);
  LearningRatePolicy Composite();

  const std::string prefix_;
  const float base_lr_;
  ArgumentReader* const args_;
};

LearningRatePolicy Inverse(float gamma, float power) {
  return [=](int64_t t) { return std::pow(1.0f + gamma * static_cast<float>(t), -power); };
}

LearningRatePolicy LinearWarmup(float start, int64_t count) {
  return [=](int64_t t) {
    if (t >= count) return 1.0f;
    return static_cast<float>(start +
                              (1.0 - start) * static_cast<float>(t) / static_cast<float>(count));
  };
}

LearningRatePolicy Steps(float before, int64_t count, float after) {
  return [=](int64_t t) { return t < count ? before : after; };
}

LearningRatePolicy PolicyMaker::Alter() {
  const bool active_first = args_->GetSingleArgument<bool>(prefix_ + "active_first", true);
  const int64_t active = Iterations("active_period", -1);
  const int64_t inactive = Iterations("inactive_period", -1);
  const int64_t period = std::max<int64_t>(active + inactive, 1);
  if (active + inactive == 0) Fail("active_period and inactive_period are both 0");
  return [=](int64_t t) {
    const bool in_first = t % period < (active_first ? active : inactive);
    return in_first == active_first ? 1.0f : 0.0f;
  };
}

LearningRatePolicy PolicyMaker::Cyclical(float max_lr, int64_t stepsize, float decay) const {
  const float range = std::abs(max_lr) / std::abs(base_lr_) - 1;
  return [=](int64_t t) {
    const int64_t cycles = t / (2 * stepsize);
    const float x = std::abs(static_cast<float>(t) / static_cast<float>(stepsize) -
                             static_cast<float>(2 * (cycles + 1)) + 1);
    return static_cast<float>(1 + range * std::max(0.0f, 1 - x) *
                                      std::pow(static_cast<double>(decay), cycles));
  };
}

LearningRatePolicy PolicyMaker::Cosine(const char* prefix) {
  const auto named = [&](const char* name) { return std::string(prefix) + name; };
  const float max_lr = Factor(named("max_lr").c_str(), 0.5f);
  const float min_lr = Factor(named("min_lr").c_str(), 0.1f);
  const int64_t period = Iterations(named("period").c_str(), 50, 1);
  const float t_mult = Factor(named("t_mult").c_str(), 1.0f);
  const float lr_shrink = Factor(named("lr_shrink").c_str(), 0.99f);
  return [=](int64_t t) {
    // The i-th period is `length` long, and t is `at` iterations into it.
    float i;
    float length = static_cast<float>(period);
    float at;
    if (t_mult != 1.0f) {
      i = static_cast<float>(std::floor(
          std::log(1 - static_cast<double>(t) / static_cast<double>(period) * (1.0 - t_mult)) /
          std::log(static_cast<double>(t_mult))));
      length = std::pow(t_mult, i) * static_cast<float>(period);
      at = static_cast<float>(static_cast<float>(t) - (1.0 - std::pow(t_mult, i)) / (1.0 - t_mult) *
                                                          static_cast<double>(period));
    } else {
      i = static_cast<float>(std::floor(static_cast<double>(t) / static_cast<double>(period)));
      at = static_cast<float>(t) - length * i;
    }
    const float shrink = std::pow(lr_shrink, i);
    const float low = min_lr * shrink;
    const float high = max_lr * shrink;
    return static_cast<float>(low + 0.5 * (high - low) * (1 + std::cos(M_PI * at / length)));
  };
}

LearningRatePolicy PolicyMaker::ConstantThenLinear(LearningRatePolicy then) {
  const float start = Factor("start_warmup_multiplier", 0.1f);
  const int64_t constant = Iterations("constant_warmup_num_iter", 10000000);
  const int64_t linear = Iterations("linear_warmup_num_iter", 10000000);
  return [=, warmup = LinearWarmup(start, linear), then = std::move(then)](int64_t t) {
    if (t < constant) return start;
    if (t < constant + linear) return warmup(t - constant);
    return then(t - constant - linear);
  };
}

LearningRatePolicy PolicyMaker::Composite() {
  struct Part {
    int64_t begin;
    float scale;
    LearningRatePolicy policy;
  };
  const std::vector<int64_t> counts = args_->GetRepeatedArgument<int64_t>("sub_policy_num_iters");
  if (counts.empty()) Fail("argument \"sub_policy_num_iters\" names no policy");
  std::vector<Part> parts;
  int64_t begin = 1;
  for (size_t i = 0; i < counts.size(); ++i) {
    const std::string prefix = absl::StrCat("sub_policy_", i, "_");
    if (counts[i] <= 0 || counts[i] > kMostIterations - begin) {
      Fail(absl::StrCat("policy ", i, " of sub_policy_num_iters is for ", counts[i],
                        " iterations, must be above 0 and add up to at most ", kMostIterations));
      break;
    }
    const std::string name = args_->GetSingleArgument<std::string>(prefix + "policy", "");
    if (name == "composite") {
      Fail("a composite policy may not be part of another one");
      break;
    }
    parts.push_back({begin, args_->GetSingleArgument<float>(prefix + "lr_scale", 1.0f),
                     MakeLearningRatePolicy(name, prefix, base_lr_, args_)});
    begin += counts[i];
  }
  return [parts = std::move(parts)](int64_t t) {
    // Iterations count from 1; the first and the last policy also hold before and after.
    auto part = std::upper_bound(parts.begin(), parts.end(), t,
                                 [](int64_t at, const Part& p) { return at < p.begin; });
    if (part != parts.begin()) --part;
    return part->policy(t) * part->scale;
  };
}

LearningRatePolicy PolicyMaker::Make(const std::string& name) {
  if (name == "fixed") return [](int64_t) { return 1.0f; };
  if (name == "step") {
    const int64_t stepsize = Iterations("stepsize", 0, 1);
    const float gamma = Factor("gamma", 0);
    return [=](int64_t t) { return std::pow(gamma, static_cast<float>(t / stepsize)); };
  }
  if (name == "exp") {
    const float gamma = Factor("gamma", 0);
    return [=](int64_t t) { return std::pow(gamma, static_cast<float>(t)); };
  }
  if (name == "inv") return Inverse(Factor("gamma", 0), Factor("power", 0));
  if (name == "poly") {
    const float power = Factor("power", 0);
    const int64_t max_iter = Iterations("max_iter", -1, 1);
    return [=](int64_t t) {
      return std::pow(1 - static_cast<float>(t) / static_cast<float>(max_iter), power);
    };
  }
  if (name == "alter") return Alter();
  if (name == "gate") {
    return Steps(Factor("multiplier_1", 1), Iterations("num_iter", 0), Factor("multiplier_2", 1));
  }
  if (name == "linearWarmup") {
    return LinearWarmup(Factor("start_multiplier", 0), Iterations("num_iter", 0));
  }
  if (name == "constantWarmup") {
    return Steps(Factor("multiplier", 0.5f), Iterations("num_iter", 0), 1);
  }
  if (name == "pieceWarmup") {
    const LearningRatePolicy later =
        Steps(Factor("m2", 0.5f), Iterations("n2", 0), Factor("m3", 0.5f));
    const int64_t n1 = Iterations("n1", 0);
    const float m1 = Factor("m1", 0.5f);
    return [=](int64_t t) { return t < n1 ? m1 : later(t); };
  }
  if (name == "hill") {
    const int64_t count = Iterations("num_iter", 0, 1);
    const LearningRatePolicy up = LinearWarmup(Factor("start_multiplier", 0), count);
    const LearningRatePolicy down = Inverse(Factor("gamma", 0), Factor("power", 0));
    const float least = Factor("end_multiplier", 0);
    return [=](int64_t t) { return t < count ? up(t) : std::max(least, down(t - count)); };
  }
  if (name == "slope") {
    const int64_t begin = Iterations("num_iter_1", 0, 1);
    const int64_t end = Iterations("num_iter_2", 0, begin + 1);
    const float from = Factor("multiplier_1", 0);
    const float to = Factor("multiplier_2", 0);
    return [=](int64_t t) {
      if (t < begin) return from;
      return std::max(
          to, from + static_cast<float>(t - begin) * (to - from) / static_cast<float>(end - begin));
    };
  }
  if (name == "cyclical") {
    return Cyclical(Factor("max_lr", 0.005f), Iterations("stepsize", 0, 1), Factor("decay", 1));
  }
  if (name == "cosine") return Cosine("");
  if (name == "constantThenLinearWarmup") {
    return ConstantThenLinear([](int64_t) { return 1.0f; });
  }
  if (name == "compositeCyclical") {
    return ConstantThenLinear(Cyclical(Factor("cyclical_max_lr", 0.05f),
                                       Iterations("cyclical_step_size", 1000000, 1),
                                       Factor("cyclical_decay", 1)));
  }
  if (name == "compositeCosine") return ConstantThenLinear(Cosine("cosine_"));
  if (name == "composite") return Composite();
  Fail(absl::StrCat("there is no learning rate policy \"", name, "\""));
  return nullptr;
}

}  // namespace

LearningRatePolicy MakeLearningRatePolicy(const std::string& name, const std::string& prefix,
                                          float base_lr, ArgumentReader* args) {
  return PolicyMaker(prefix, base_lr, args).Make(name);
}

}  // namespace doppio
