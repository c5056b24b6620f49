#include <algorithm>
#include <cmath>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/update/update_operator.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(YellowFin)
    .NumInputs(10)
    .NumOutputs(8)
    .AllowInplace({{0, 0}, {1, 1}, {2, 2}, {3, 3}, {4, 4}, {5, 5}, {6, 6}, {7, 7}})
    .Doc(R"DOC(
A step of gradient descent with momentum, for which YellowFin (Zhang, Mitliagkas 2017,
https://arxiv.org/abs/1706.03471) then finds the learning rate and the momentum of the next one. First

    output_moment = mu moment + lr grad
    output_param = param - output_moment
    output_param = param - (1 + mu) output_moment + mu moment      with nesterov

Then, where avg(x) = beta old + (1 - beta) x is a moving average, hat(x) is avg(x) / (1 - beta^iter),
or avg(x) without zero_debias, and h, hmin, hmax and C are epsilon where they would be less,

    h = sum(grad^2), of which the logarithms of the last curv_win_width iterations are kept
    hmin, hmax = exp(hat(the least of them)), exp(hat(the greatest of them))
    C = hat(h) - sum(hat(grad)^2)
    D = hat(avg(sqrt(h)) / avg(h))
    p = (D hmin)^2 / (2 C), and x solves p x = (1 - x)^3
    k = sqrt(hmax / hmin)
    mu_now = max(x^2, ((k - 1) / (k + 1))^2)
    lr_now = (1 - sqrt(mu_now))^2 / hmin
    output_mu, output_lr = avg(mu_now), avg(lr_now)      from the second iteration on

Example: param [10], moment [2], lr [0.5], mu [0.25], grad [4] and iter [1] give output_moment [2.5] and
output_param [7.5]; lr and mu stay as they are.
)DOC")
    .Arg<float>("beta", "of the moving averages", 0.999f)
    .Arg<int64_t>("curv_win_width", "at least 1: iterations of which the curvature is kept", 20)
    .Arg<float>("epsilon", "what is divided by is at least this", 1e-6f)
    .Arg<bool>("nesterov", "look ahead along the momentum", false)
    .Arg<bool>("zero_debias", "correct averages for having begun with 0", true)
    .Input(0, "param", "tensor of float: what is trained")
    .Input(1, "moment", "float, as many elements; zeros at first")
    .Input(2, "lr", "one float: the learning rate")
    .Input(3, "mu", "one float: the momentum")
    .Input(4, "curv_win", "float, curv_win_width elements: logarithms of h")
    .Input(5, "g_avg", "float, as many elements as param: avg(grad); zeros at first")
    .Input(6, "g2_avg", "float, as many elements as param: avg(grad^2); zeros at first")
    .Input(7, "scalars_memory",
           "five floats, zeros at first: the averages of sqrt(h), h, of the least and the greatest "
           "logarithm, and of what D is the average of")
    .Input(8, "grad", "float, as many elements as param")
    .Input(9, "iter", "one int64, at least 1: this iteration")
    .Output(0, "output_param", "param's shape: the new parameters")
    .Output(1, "output_moment", "moment's shape: the new moment")
    .Output(2, "output_lr", "lr's shape: the next learning rate")
    .Output(3, "output_mu", "mu's shape: the next momentum")
    .Output(4, "output_curv_win", "curv_win's shape: the new one")
    .Output(5, "output_g_avg", "g_avg's shape: the new one")
    .Output(6, "output_g2_avg", "g2_avg's shape: the new one")
    .Output(7, "output_scalars_memory", "scalars_memory's shape: the new one")
    .Flops(FlopsForEachOf(8, 16))
    .OneToOneTypeAndShape();

class YellowFinOp final : public UpdateOperator {
 public:
  explicit YellowFinOp(OperatorInit* init)
      : UpdateOperator(init),
        beta_(init->GetSingleArgument<float>("beta")),
        width_(init->GetSingleArgument<int64_t>("curv_win_width")),
        epsilon_(init->GetSingleArgument<float>("epsilon")),
        nesterov_(init->GetSingleArgument<bool>("nesterov")),
        zero_debias_(init->GetSingleArgument<bool>("zero_debias")) {
    if (width_ < 1) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("curv_win_width is ", width_, ", must be at least 1")));
    }
  }

  absl::Status RunOnDevice() override {
    const int64_t size = Input(0).numel();
    DOPPIO_RETURN_IF_ERROR(CheckSizes<float>({0, 1, 5, 6, 8}, size));
    DOPPIO_RETURN_IF_ERROR(CheckSizes<float>({4}, width_));
    DOPPIO_RETURN_IF_ERROR(CheckSizes<float>({7}, kMemory));
    DOPPIO_ASSIGN_OR_RETURN(const float lr, Single<float>(2));
    DOPPIO_ASSIGN_OR_RETURN(const float mu, Single<float>(3));
    DOPPIO_ASSIGN_OR_RETURN(const int64_t iteration, Iteration(9));
    if (iteration < 1) {
      return absl::OutOfRangeError("the iteration is 0, must be at least 1");
    }
    DOPPIO_RETURN_IF_ERROR(MakeOutputsLike({0, 1, 2, 3, 4, 5, 6, 7}));
    const Slot param = Updated(0, 0);
    const Slot moment = Updated(1, 1);
    const Slot mean = Updated(5, 5);
    const Slot squares = Updated(6, 6);
    const float* grad = In(8);
    const MomentumStep step = {lr, mu, nesterov_};
    const AverageStep average = {beta_};
    InPieces(size, [&](int64_t begin, int64_t count) {
      TakeStep(step, count, Slot{grad + begin, nullptr}, moment + begin, param + begin);
      TakeStep(average, count, grad + begin, mean + begin, squares + begin);
    });
    Tune(iteration, lr, mu, SumOfSquaresOf(grad, size), SumOfSquaresOf(mean.out, size));
    return absl::OkStatus();
  }

 private:
  static constexpr int64_t kMemory = 5;

  double Average(double old, double x) const { return beta_ * old + (1 - beta_) * x; }
  // Not less than epsilon; NaN stays NaN.
  double AtLeastEpsilon(double x) const { return std::max(x, static_cast<double>(epsilon_)); }

  // The new learning rate and momentum, and what is kept for the next ones, of the sums of the
  // squares of the gradient and of its average.
  void Tune(int64_t iteration, float lr, float mu, double grad_squares, double mean_squares) {
    const double debias =
        zero_debias_ ? 1 / (1 - std::pow(static_cast<double>(beta_), iteration)) : 1;
    const double h = AtLeastEpsilon(grad_squares);
    const Slot window = Updated(4, 4);
    if (window.in != window.out) std::copy_n(window.in, width_, window.out);
    window.out[(iteration - 1) % width_] = static_cast<float>(std::log(h));
    const float* end = window.out + std::min(width_, iteration);
    const double least = *std::min_element<const float*>(window.out, end);
    const double greatest = *std::max_element<const float*>(window.out, end);

    const Slot memory = Updated(7, 7);
    const auto remember = [&](int i, double x) {
      const double average = Average(memory.in[i], x);
      memory.out[i] = static_cast<float>(average);
      return average;
    };
    const double root_average = remember(0, std::sqrt(h));
    const double h_average = remember(1, h);
    const double h_min = AtLeastEpsilon(std::exp(debias * remember(2, least)));
    const double h_max = AtLeastEpsilon(std::exp(debias * remember(3, greatest)));
    const double distance = debias * remember(4, root_average / h_average);
    const double variance = AtLeastEpsilon(debias * h_average - debias * debias * mean_squares);

    *Out(2) = lr;
    *Out(3) = mu;
    if (iteration == 1) return;
    const double root = Root((distance * h_min) * (distance * h_min) / (2 * variance));
    const double ratio = std::sqrt(h_max / h_min);
    const double limit = (ratio - 1) / (ratio + 1);
    const double mu_now = std::max(root * root, limit * limit);
    const double lr_now = (1 - std::sqrt(mu_now)) * (1 - std::sqrt(mu_now)) / h_min;
    *Out(2) = static_cast<float>(Average(lr, lr_now));
    *Out(3) = static_cast<float>(Average(mu, mu_now));
  }

  // The x in (0, 1) with p x = (1 - x)^3, by Vieta's substitution for y = x - 1: y^3 + p y + p = 0.
  static double Root(double p) {
    const double w = -std::cbrt((std::sqrt(p * p + 4.0 / 27.0 * p * p * p) + p) / 2);
    return w - p / 3 / w + 1;
  }

  const float beta_;
  const int64_t width_;
  const float epsilon_;
  const bool nesterov_;
  const bool zero_debias_;
};

DOPPIO_REGISTER_CPU_OPERATOR(YellowFin, YellowFinOp);
DOPPIO_SHOULD_NOT_DO_GRADIENT(YellowFin);

}  // namespace
}  // namespace doppio
