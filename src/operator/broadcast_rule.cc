#include "src/operator/broadcast_rule.h"

namespace doppio {

BroadcastRule::BroadcastRule(ArgumentReader* arguments)
    : BroadcastRule(arguments, arguments->GetSingleArgument<bool>("broadcast", false)) {}

BroadcastRule BroadcastRule::Legacy(ArgumentReader* arguments) {
  return BroadcastRule(arguments, true);
}

BroadcastRule::BroadcastRule(ArgumentReader* arguments, bool legacy)
    : legacy_(legacy), axis_(arguments->GetSingleArgument<int>("axis", -1)) {
  // Without broadcast=1 the other arguments mean nothing, and old nets carry them all the same.
  const std::string letter = arguments->GetSingleArgument<std::string>("axis_str", "");
  if (!legacy_ || letter.empty()) return;
  const std::string order = arguments->GetSingleArgument<std::string>("order", "NCHW");
  if (axis_ != -1) {
    arguments->Fail(absl::InvalidArgumentError(
        absl::StrCat("axis ", axis_, " and axis_str \"", letter, "\" exclude each other")));
  } else if (letter.size() != 1 || order.find(letter) == std::string::npos) {
    arguments->Fail(absl::InvalidArgumentError(
        absl::StrCat("axis_str \"", letter, "\" is no letter of order \"", order, "\"")));
  } else {
    axis_ = static_cast<int64_t>(order.find(letter));
  }
}

absl::StatusOr<BinaryShapes> BroadcastRule::Align(DimsView a, DimsView b) const {
  if (legacy_) return AlignLegacy(a, b);
  DOPPIO_ASSIGN_OR_RETURN(Dims c, BroadcastShapes(a, b));
  return BinaryShapes{Dims(a.begin(), a.end()), Dims(b.begin(), b.end()), c, c};
}

absl::StatusOr<BinaryShapes> BroadcastRule::AlignLegacy(DimsView a, DimsView b) const {
  BinaryShapes shapes;
  shapes.c_dims.assign(a.begin(), a.end());
  if (SizeFromDim(b, 0) == 1) {
    shapes.a = shapes.c = {SizeFromDim(a, 0)};
    return shapes;
  }
  const int a_rank = static_cast<int>(a.size());
  const int b_rank = static_cast<int>(b.size());
  const auto refuse = [&](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("cannot broadcast B ", ShapeToString(b),
                                                   " to A ", ShapeToString(a), " at axis ", axis_,
                                                   ": ", why));
  };
  if (b_rank > a_rank) return refuse("B has more dimensions");
  const int64_t start = axis_ == -1 ? a_rank - b_rank : axis_;
  if (start < 0 || start > a_rank - b_rank) {
    return refuse(absl::StrCat("the axis must be -1 or in [0, ", a_rank - b_rank, "]"));
  }
  int first = 0;
  int last = b_rank;
  while (first < last && b[first] == 1) ++first;
  while (first < last && b[last - 1] == 1) --last;
  const int offset = static_cast<int>(start);
  for (int i = first; i < last; ++i) {
    if (a[offset + i] != b[i]) {
      return refuse(absl::StrCat("dimension ", i, " of B is ", b[i], ", must be ", a[offset + i]));
    }
  }
  const int64_t middle = SizeBetween(b, first, last);
  shapes.a = {SizeToDim(a, offset + first), middle, SizeFromDim(a, offset + last)};
  shapes.b = {middle, 1};
  shapes.c = shapes.a;
  return shapes;
}

absl::Status CheckInplaceShape(int input, DimsView input_dims, int output, DimsView output_dims) {
  if (input_dims == output_dims) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("output ", output, " has the shape ", ShapeToString(output_dims),
                   " and can not be written in place of input ", input, ", whose shape is ",
                   ShapeToString(input_dims)));
}

}  // namespace doppio
