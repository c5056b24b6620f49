// Trains one of the nets of this folder on handwritten digits.
//
//   train_digits FOLDER NET OUT [EPOCHS]
//
// FOLDER holds digits.csv.gz and NET.pbtxt, NET_init.pbtxt and NET_update.pbtxt. The gradient net
// is made here, from NET.pbtxt. Written to OUT (a folder): NET_trained.pb, an init net with the
// trained weights, and sample_data.npy and sample_label.npy, pictures that were not trained on.

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <numeric>
#include <random>

#include "absl/strings/numbers.h"
#include "doppio/doppio.h"
#include "doppio/proto_io.h"
#include "doppio/tensor_io.h"
#include "examples/digits/digits_data.h"

namespace digits {
namespace {

using doppio::NetDef;
using doppio::Tensor;

constexpr size_t kBatch = 32;
constexpr size_t kSamples = 8;
constexpr int kDefaultEpochs = 40;
constexpr uint32_t kSeed = 7;

struct Options {
  std::filesystem::path folder;
  std::string net;
  std::filesystem::path out;
  int epochs = kDefaultEpochs;
};

absl::Status Feed(const Examples& examples, absl::Span<const size_t> which,
                  doppio::Workspace* workspace) {
  DOPPIO_RETURN_IF_ERROR(workspace->Feed("data", examples.Data(which)));
  return workspace->Feed("label", examples.Labels(which));
}

std::vector<size_t> CountTo(size_t count) {
  std::vector<size_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), size_t{0});
  return numbers;
}

// Fisher and Yates, by hand: what std::shuffle does with a generator differs between libraries.
void Shuffle(std::mt19937* generator, std::vector<size_t>* numbers) {
  for (size_t i = numbers->size(); i > 1; --i) {
    std::swap((*numbers)[i - 1], (*numbers)[(*generator)() % i]);
  }
}

// A bar that is drawn again and again on a terminal, and a line now and then elsewhere.
void ShowProgress(int epoch, int epochs, float loss) {
  constexpr int kWidth = 30;
  const bool is_last = epoch == epochs;
  if (isatty(STDOUT_FILENO) == 1) {
    const int filled = kWidth * epoch / epochs;
    std::printf("\r  [%s%s] epoch %d of %d, loss %.4f%s", std::string(filled, '#').c_str(),
                std::string(kWidth - filled, '.').c_str(), epoch, epochs, loss,
                is_last ? "\n" : "");
  } else if (is_last || epoch == 1 || epoch % 10 == 0) {
    std::printf("  epoch %d of %d, loss %.4f\n", epoch, epochs, loss);
  }
  std::fflush(stdout);
}

// Runs the training net and the update net over all examples, in batches.
absl::StatusOr<float> TrainEpoch(const Examples& train, absl::Span<const size_t> order,
                                 const std::string& net, doppio::Workspace* workspace) {
  float sum = 0;
  size_t batches = 0;
  for (size_t begin = 0; begin + kBatch <= order.size(); begin += kBatch, ++batches) {
    DOPPIO_RETURN_IF_ERROR(Feed(train, order.subspan(begin, kBatch), workspace));
    DOPPIO_RETURN_IF_ERROR(workspace->RunNet(net));
    DOPPIO_RETURN_IF_ERROR(workspace->RunNet(net + "_update"));
    DOPPIO_ASSIGN_OR_RETURN(const Tensor loss, workspace->Fetch("loss"));
    if (!loss.Is<float>() || loss.numel() != 1) {
      return absl::InvalidArgumentError("the blob \"loss\" must be one float");
    }
    sum += loss.data<float>()[0];
  }
  return sum / static_cast<float>(std::max<size_t>(batches, 1));
}

absl::StatusOr<float> AccuracyOn(const Examples& test, const NetDef& forward,
                                 doppio::Workspace* workspace) {
  DOPPIO_RETURN_IF_ERROR(Feed(test, CountTo(test.size()), workspace));
  DOPPIO_RETURN_IF_ERROR(workspace->RunNetOnce(forward));
  DOPPIO_RETURN_IF_ERROR(workspace->RunOperatorOnce(
      doppio::CreateOperatorDef("Accuracy", "", {"prob", "label"}, {"accuracy"})));
  DOPPIO_ASSIGN_OR_RETURN(const Tensor accuracy, workspace->Fetch("accuracy"));
  return accuracy.data<float>()[0];
}

// The weights as a net that fills them: an operator for each blob that the training net reads and
// the init net filled.
absl::StatusOr<NetDef> TrainedInitNet(const NetDef& forward, const doppio::Workspace& workspace) {
  doppio::NetBuilder init(forward.name() + "_trained");
  for (const std::string& name : forward.external_input()) {
    if (name == "data" || name == "label") continue;
    DOPPIO_ASSIGN_OR_RETURN(const Tensor weights, workspace.Fetch(name));
    const absl::Span<const float> values = weights.span<float>();
    init.Op("GivenTensorFill", {}, {name},
            {doppio::MakeArgument<std::vector<int64_t>>(
                 "shape", {weights.dims().begin(), weights.dims().end()}),
             doppio::MakeArgument<std::vector<float>>("values", {values.begin(), values.end()})});
  }
  return init.def();
}

absl::Status Train(const Options& options) {
  const std::string stem = (options.folder / options.net).string();
  DOPPIO_ASSIGN_OR_RETURN(const Split digits,
                          LoadDigits((options.folder / "digits.csv.gz").string()));
  DOPPIO_ASSIGN_OR_RETURN(const NetDef init, doppio::LoadNet(stem + "_init.pbtxt"));
  DOPPIO_ASSIGN_OR_RETURN(const NetDef forward, doppio::LoadNet(stem + ".pbtxt"));
  DOPPIO_ASSIGN_OR_RETURN(const NetDef update, doppio::LoadNet(stem + "_update.pbtxt"));
  DOPPIO_ASSIGN_OR_RETURN(const doppio::Backward backward,
                          doppio::AddGradientOperators(forward, {"loss"}));
  std::printf("%s: %d operators, and %d more for the gradient; %zu pictures, %zu held out\n",
              forward.name().c_str(), backward.forward_operators,
              backward.net.op_size() - backward.forward_operators, digits.train.size(),
              digits.test.size());

  doppio::Workspace workspace;
  DOPPIO_RETURN_IF_ERROR(workspace.RunNetOnce(init));
  std::vector<size_t> order = CountTo(digits.train.size());
  // Nets find their inputs when they are made, so that there must be a first batch.
  DOPPIO_RETURN_IF_ERROR(Feed(digits.train, absl::MakeSpan(order).first(kBatch), &workspace));
  DOPPIO_RETURN_IF_ERROR(workspace.CreateNet(backward.net).status());
  DOPPIO_RETURN_IF_ERROR(workspace.CreateNet(update).status());

  const auto start = std::chrono::steady_clock::now();
  std::mt19937 generator(kSeed);
  for (int epoch = 1; epoch <= options.epochs; ++epoch) {
    Shuffle(&generator, &order);
    DOPPIO_ASSIGN_OR_RETURN(const float loss,
                            TrainEpoch(digits.train, order, forward.name(), &workspace));
    ShowProgress(epoch, options.epochs, loss);
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  DOPPIO_ASSIGN_OR_RETURN(const float accuracy, AccuracyOn(digits.test, forward, &workspace));
  std::printf("  test accuracy %.4f after %.1f s\n", accuracy, seconds);

  DOPPIO_ASSIGN_OR_RETURN(const NetDef trained, TrainedInitNet(forward, workspace));
  const std::string trained_path = (options.out / (options.net + "_trained.pb")).string();
  DOPPIO_RETURN_IF_ERROR(doppio::SaveProto(trained, trained_path));
  std::vector<size_t> samples = CountTo(kSamples);  // spread over the pictures held out
  for (size_t& sample : samples) sample = sample * digits.test.size() / kSamples;
  DOPPIO_ASSIGN_OR_RETURN(const Tensor data, digits.test.Data(samples));
  DOPPIO_ASSIGN_OR_RETURN(const Tensor label, digits.test.Labels(samples));
  DOPPIO_RETURN_IF_ERROR(doppio::SaveTensor(data, (options.out / "sample_data.npy").string()));
  DOPPIO_RETURN_IF_ERROR(doppio::SaveTensor(label, (options.out / "sample_label.npy").string()));
  std::printf("  weights in %s\n", trained_path.c_str());
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  Options options;
  const bool is_usable =
      (argc == 4 || argc == 5) &&
      (argc == 4 || (absl::SimpleAtoi(argv[4], &options.epochs) && options.epochs > 0));
  if (!is_usable) {
    std::cerr << "usage: train_digits FOLDER NET OUT [EPOCHS]\n"
                 "e.g.   train_digits examples/digits two_layer /tmp\n";
    return 2;
  }
  options.folder = argv[1];
  options.net = argv[2];
  options.out = argv[3];
  const absl::Status status = Train(options);
  if (!status.ok()) std::cerr << "train_digits: " << status.message() << "\n";
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace digits

int main(int argc, char** argv) { return digits::Main(argc, argv); }
