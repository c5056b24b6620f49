// Files of models, and Predictor with what they hold: binary, text or JSON, or a predictor
// database.

#include <algorithm>

#include "doppio/model_io.h"
#include "doppio/predictor.h"
#include "tests/fuzz/database_bytes.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/net_bytes.h"
#include "tests/io/test_files.h"
#include "tests/support/tight_limits.h"

namespace doppio {
namespace {

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds = DatabaseSeeds("minidb");
  for (std::string& net : NetSeeds(Encoding::kText)) {
    if (net.size() < 2000) seeds.push_back(std::move(net));
  }
  return seeds;
}

void Try(absl::string_view bytes) {
  static const std::string& path = *new std::string(TemporaryPath("model"));
  WriteWholeFile(path, std::string(bytes));
  absl::StatusOr<Model> model = LoadModel(path, "", SmallLimits());
  if (!model.ok()) return;
  TightLimits limits;
  limits.AllowOperators(200);
  PredictorOptions options;
  options.file_access = FileAccess::None();
  const auto predictor = Predictor::Create(*std::move(model), options);
  if (!predictor.ok()) return;
  for (const Dims& dims : {Dims{2, 3}, Dims{1, 3, 8, 8}, Dims{}}) {
    Tensor input = *Tensor::Create(DataType::kFloat, dims);
    std::fill_n(input.mutable_data<float>(), input.numel(), 0.5f);
    const std::vector<Tensor> inputs((*predictor)->inputs().size(), input);
    const absl::StatusOr<std::vector<Tensor>> outputs = (*predictor)->Run(inputs);
    if (!outputs.ok()) continue;
    for (const Tensor& output : *outputs) Touch(output);
  }
}

DOPPIO_FUZZ_TARGET(predictor, Seeds, Try);

}  // namespace
}  // namespace doppio
