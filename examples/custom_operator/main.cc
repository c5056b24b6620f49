// Runs the operator of scaled_square.cc and its gradient, and prints both. With an argument, the
// operator comes from that library; without one, it is linked in.

#include <doppio/doppio.h>

#include <iostream>

namespace {

void Print(const doppio::Workspace& workspace, const char* blob) {
  const absl::StatusOr<doppio::Tensor> tensor = workspace.Fetch(blob);
  std::cout << blob << " =";
  if (!tensor.ok()) {
    std::cout << " " << tensor.status().message();
  } else {
    for (float value : tensor->span<float>()) std::cout << " " << value;
  }
  std::cout << "\n";
}

absl::Status Run(const char* library) {
  if (library != nullptr) DOPPIO_RETURN_IF_ERROR(doppio::LoadOperatorLibrary(library).status());

  doppio::Workspace workspace;
  DOPPIO_RETURN_IF_ERROR(workspace.Feed("X", doppio::Tensor::Of<float>({3}, {1, 2, 3})));
  doppio::NetBuilder net("custom");
  net.Op("ScaledSquare", {"X"}, {"Y"}, {doppio::MakeArgument<float>("scale", 0.5f)});
  net.Op("SumElements", {"Y"}, {"loss"});
  DOPPIO_ASSIGN_OR_RETURN(const doppio::Backward backward,
                          doppio::AddGradientOperators(net.def(), {"loss"}));
  DOPPIO_RETURN_IF_ERROR(workspace.RunNetOnce(backward.net));
  Print(workspace, "Y");
  Print(workspace, "X_grad");
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  const absl::Status status = Run(argc > 1 ? argv[1] : nullptr);
  if (!status.ok()) std::cerr << status.message() << "\n";
  return status.ok() ? 0 : 1;
}
