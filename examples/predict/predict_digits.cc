// Reads digits with a trained net, from several threads that share its weights.

#include <doppio/doppio.h>

#include <iostream>
#include <thread>

absl::Status Predict(const std::string& predict_net, const std::string& init_net,
                     const std::string& data) {
  DOPPIO_ASSIGN_OR_RETURN(doppio::NetDef predict, doppio::LoadNet(predict_net));
  DOPPIO_ASSIGN_OR_RETURN(doppio::NetDef init, doppio::LoadNet(init_net));
  DOPPIO_ASSIGN_OR_RETURN(const doppio::Tensor images, doppio::LoadTensor(data));

  DOPPIO_ASSIGN_OR_RETURN(const std::unique_ptr<doppio::Predictor> predictor,
                          doppio::Predictor::Create(std::move(init), std::move(predict)));
  const doppio::PredictorStats stats = predictor->Stats();
  std::cout << stats.operators_before << " operators, " << stats.operators_after
            << " as it is run; " << stats.weight_bytes << " bytes of weights\n";

  constexpr int kThreads = 4;
  absl::StatusOr<std::map<std::string, doppio::Tensor>> results[kThreads];
  std::vector<std::thread> threads;
  for (auto& result : results) {
    threads.emplace_back([&] { result = predictor->Run({{"data", images}}); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& result : results) {
    DOPPIO_RETURN_IF_ERROR(result.status());
    for (const int64_t digit : result->at("digit").span<int64_t>()) std::cout << digit << " ";
    std::cout << "\n";
  }
  return absl::OkStatus();
}

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: predict_digits PREDICT_NET INIT_NET DATA\n";
    return 2;
  }
  const absl::Status status = Predict(argv[1], argv[2], argv[3]);
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
