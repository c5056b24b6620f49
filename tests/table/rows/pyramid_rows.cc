#include <algorithm>
#include <cmath>

#include "tests/table/op_table.h"
#include "tests/table/rows/boxes.h"

namespace doppio {
namespace {

void CollectInputs(CaseMaker& c) {
  const int64_t levels = c.Int(1, 3);
  std::vector<int64_t> counts;
  for (int64_t i = 0; i < levels; ++i) {
    counts.push_back(c.Shape(1, 1)[0]);
    c.Input(absl::StrCat("rois", i), Regions(c, counts.back(), 2, 5));
  }
  for (int64_t i = 0; i < levels; ++i) {
    const int64_t count = counts[static_cast<size_t>(i)];
    c.Input(absl::StrCat("scores", i),
            c.Random(DataType::kFloat, c.Chance() ? Dims{count} : Dims{count, 1}, 0, 1));
  }
  c.Arg("rpn_min_level", 2);
  c.Arg("rpn_max_level", static_cast<int>(levels) + 1);
  if (c.Chance()) c.Arg("rpn_post_nms_topN", static_cast<int>(c.Int(0, 8)));
}

std::vector<std::vector<float>> Collected(const OpCase& c) {
  std::vector<std::pair<float, std::vector<float>>> all;
  const int levels = c.def.input_size() / 2;
  for (int level = 0; level < levels; ++level) {
    for (int64_t i = 0; i < c.in(level).dim(0); ++i) {
      const float* roi = c.in(level).data<float>() + i * 5;
      all.emplace_back(c.in(levels + level).data<float>()[i], std::vector<float>(roi, roi + 5));
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  const int most = c.Arg<int>("rpn_post_nms_topN", 2000);
  std::vector<std::vector<float>> rois;
  for (const auto& [score, roi] : all) {
    if (most <= 0 || static_cast<int>(rois.size()) < most) rois.push_back(roi);
  }
  return rois;
}

Tensor RoiMatrix(const std::vector<std::vector<float>>& rois) {
  std::vector<float> flat;
  for (const auto& roi : rois) flat.insert(flat.end(), roi.begin(), roi.end());
  return *Tensor::FromSpan<float>({static_cast<int64_t>(rois.size()), 5}, flat);
}

void LevelArguments(CaseMaker& c, int first_output) {
  const int first = static_cast<int>(c.Int(1, 3));
  const int last = first + static_cast<int>(c.Int(0, 2));
  c.Arg("roi_min_level", first);
  c.Arg("roi_max_level", last);
  c.Arg("roi_canonical_scale", 8);
  c.Arg("roi_canonical_level", 2);
  if (c.Chance()) c.Arg("legacy_plus_one", c.Chance());
  for (int i = 0; i < first_output; ++i) c.Output("rois");
  for (int level = first; level <= last; ++level) c.Output(absl::StrCat("level", level));
  c.Output("restore");
}

std::vector<Tensor> Distributed(const OpCase& c, const std::vector<std::vector<float>>& rois) {
  const double pixel = c.Arg<bool>("legacy_plus_one", true) ? 1 : 0;
  std::vector<Tensor> outputs;
  std::vector<int32_t> restore(rois.size());
  int32_t place = 0;
  for (int level = c.Arg<int>("roi_min_level"); level <= c.Arg<int>("roi_max_level"); ++level) {
    std::vector<std::vector<float>> part;
    for (size_t i = 0; i < rois.size(); ++i) {
      const std::vector<float>& roi = rois[i];
      const double area = (static_cast<double>(roi[3]) - roi[1] + pixel) *
                          (static_cast<double>(roi[4]) - roi[2] + pixel);
      const double wanted = std::floor(2 + std::log2(std::sqrt(area) / 8 + 1e-6));
      if (std::clamp<double>(wanted, c.Arg<int>("roi_min_level"), c.Arg<int>("roi_max_level")) !=
          level) {
        continue;
      }
      part.push_back(roi);
      restore[i] = place++;
    }
    outputs.push_back(RoiMatrix(part));
  }
  outputs.push_back(*Tensor::FromSpan<int32_t>({static_cast<int64_t>(rois.size())}, restore));
  return outputs;
}

DOPPIO_OP_ROW(CollectRpnProposals)
    .Case([](CaseMaker& c) {
      CollectInputs(c);
      c.Output("rois");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> { return {RoiMatrix(Collected(c))}; })
    .NeverScalar("rois are rows of a matrix");

DOPPIO_OP_ROW(DistributeFpnProposals)
    .Case([](CaseMaker& c) {
      c.Input("rois", Regions(c, c.Shape(1, 1)[0], 2, c.Chance() ? 4 : 5));
      LevelArguments(c, 0);
    })
    .Reference([](const OpCase& c) {
      std::vector<std::vector<float>> rois;
      const int64_t columns = c.in(0).dim(1);
      for (int64_t i = 0; i < c.in(0).dim(0); ++i) {
        const float* roi = c.in(0).data<float>() + i * columns;
        rois.emplace_back(roi, roi + columns);
        if (columns == 4) rois.back().insert(rois.back().begin(), 0.0f);
      }
      return Distributed(c, rois);
    })
    .NeverScalar("rois are rows of a matrix")
    .InferenceOpen("sizes of regions decide how many are of a level");

DOPPIO_OP_ROW(CollectAndDistributeFpnRpnProposals)
    .Case([](CaseMaker& c) {
      CollectInputs(c);
      LevelArguments(c, 1);
    })
    .Reference([](const OpCase& c) {
      const std::vector<std::vector<float>> rois = Collected(c);
      std::vector<Tensor> outputs = Distributed(c, rois);
      outputs.insert(outputs.begin(), RoiMatrix(rois));
      return outputs;
    })
    .NeverScalar("rois are rows of a matrix")
    .InferenceOpen("sizes of regions decide how many are of a level");

}  // namespace
}  // namespace doppio
