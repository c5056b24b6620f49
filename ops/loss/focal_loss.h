#ifndef DOPPIO_OPS_LOSS_FOCAL_LOSS_H_
#define DOPPIO_OPS_LOSS_FOCAL_LOSS_H_

// Losses that count what is hard to tell, of classes at anchors of a feature map (Lin and others,
// Focal Loss for Dense Object Detection, 2017): -(1 - p)^gamma log(p), where p is the probability
// that is given to what is true.

#include <cmath>
#include <string>

#include "ops/loss/logistic.h"
#include "ops/loss/total_loss.h"

namespace doppio {

inline void StateFocalLoss(OpSchema& schema, int classes, absl::string_view channels) {
  schema.FillUsing(StateScale)
      .Arg<float>("alpha", "weight of what is there; what is background has 1 - alpha", 0.25f)
      .Arg<float>("gamma", "how much less counts what is easy to tell", 1.0f)
      .Arg<int>("num_classes", channels, classes)
      .Input(2, "normalizer", "one element of float or double; the loss is divided by it, or by 1");
}

// -(1 - p)^gamma log(p) and its derivative by p, times p; `rest` is 1 - p.
inline double FocalLoss(double gamma, double rest, double log_p) {
  return Times(-log_p, std::pow(rest, gamma));
}
inline double FocalSlope(double gamma, double p, double rest, double log_p) {
  // Towards rest = 0 the first term vanishes, as log_p does.
  const double flatter = rest == 0 ? 0 : Times(gamma * std::pow(rest, gamma - 1), Times(p, log_p));
  return flatter - std::pow(rest, gamma);
}

// Labels [N,A,H,W] of scores [N,A*classes,H,W].
struct FocalArguments {
  FocalArguments(ArgumentReader* args, int default_classes)
      : scale(ReadScale(args)),
        alpha(args->GetSingleArgument<float>("alpha", 0.25f)),
        gamma(args->GetSingleArgument<float>("gamma", 1.0f)),
        classes(args->GetSingleArgument<int>("num_classes", default_classes)) {
    if (classes >= 1) return;
    args->Fail(absl::InvalidArgumentError(
        absl::StrCat("num_classes is ", classes, ", must be at least 1")));
  }

  absl::Status CheckShapes(DimsView scores, DimsView labels) const {
    if (scores.size() == 4 && classes >= 1 && scores[1] % classes == 0 &&
        labels == DimsView({scores[0], scores[1] / classes, scores[2], scores[3]})) {
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(
        absl::StrCat("scores of ", classes, " classes must be [N,A*", classes,
                     ",H,W] and labels [N,A,H,W], but they are ", ShapeToString(scores), " and ",
                     ShapeToString(labels)));
  }

  // Labels are int32 in [-1, end).
  absl::Status CheckLabels(const Tensor& labels, int64_t end) const {
    if (!labels.Is<int32_t>()) {
      return absl::InvalidArgumentError(
          absl::StrCat("labels must be int32, but are ", DataTypeName(labels.dtype())));
    }
    const auto label = labels.span<int32_t>();
    for (size_t i = 0; i < label.size(); ++i) {
      if (label[i] >= -1 && label[i] < end) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("label ", i, " is ", label[i], ", but must be in [-1, ", end, ")"));
    }
    return absl::OkStatus();
  }

  double scale;
  double alpha;
  double gamma;
  int64_t classes;
};

}  // namespace doppio

#endif  // DOPPIO_OPS_LOSS_FOCAL_LOSS_H_
