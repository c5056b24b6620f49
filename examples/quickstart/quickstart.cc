#include <doppio/doppio.h>

#include <iostream>

absl::Status Demo() {
  doppio::Workspace workspace;
  DOPPIO_RETURN_IF_ERROR(workspace.Feed("X", doppio::Tensor::Of<float>({3, 1}, {1, 2, 3})));
  DOPPIO_RETURN_IF_ERROR(workspace.Feed("shape", doppio::Tensor::Of<int64_t>({2}, {3, 4})));

  doppio::NetBuilder net("demo");
  net.Op("Expand", {"X", "shape"}, {"Y"});
  net.Op("SumElements", {"Y"}, {"loss"});

  DOPPIO_ASSIGN_OR_RETURN(doppio::Backward backward,  // the gradient net
                          doppio::AddGradientOperators(net.def(), {"loss"}));
  DOPPIO_RETURN_IF_ERROR(workspace.RunNetOnce(backward.net));

  DOPPIO_ASSIGN_OR_RETURN(doppio::Tensor dx, workspace.Fetch(backward.gradients["X"].dense));
  std::cout << "dX " << doppio::ShapeToString(dx.dims()) << ":";
  for (float value : dx.span<float>()) std::cout << " " << value;
  std::cout << "\n";
  return workspace.ResetWorkspace();
}

int main() {
  const absl::Status status = Demo();
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
