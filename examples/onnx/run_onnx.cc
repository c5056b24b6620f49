// Runs an ONNX model of one input.

#include <doppio/doppio.h>

#include <iostream>

absl::Status Run(const std::string& model_file, const std::string& data_file) {
  DOPPIO_ASSIGN_OR_RETURN(doppio::Model model, doppio::LoadModel(model_file));
  DOPPIO_ASSIGN_OR_RETURN(const doppio::Tensor data, doppio::LoadTensor(data_file));

  DOPPIO_ASSIGN_OR_RETURN(const std::unique_ptr<doppio::Predictor> predictor,
                          doppio::Predictor::Create(std::move(model)));
  DOPPIO_ASSIGN_OR_RETURN(const std::vector<doppio::Tensor> outputs, predictor->Run({data}));
  for (size_t i = 0; i < outputs.size(); ++i) {
    std::cout << predictor->outputs()[i] << ": " << outputs[i].TypeAndShape() << "\n";
  }
  return absl::OkStatus();
}

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: run_onnx MODEL DATA\n";
    return 2;
  }
  const absl::Status status = Run(argv[1], argv[2]);
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
