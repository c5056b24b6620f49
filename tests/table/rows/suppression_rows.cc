#include <algorithm>
#include <cmath>

#include "doppio/shape.h"
#include "tests/table/op_table.h"
#include "tests/table/rows/boxes.h"

namespace doppio {
namespace {

struct Found {
  double score;
  std::vector<double> box;
  int64_t row;
  int64_t class_id;
};

// Greedy suppression of what is sorted already.
std::vector<Found> Suppressed(const std::vector<Found>& sorted, double threshold, double pixel) {
  std::vector<Found> kept;
  for (const Found& found : sorted) {
    const bool is_free = std::all_of(kept.begin(), kept.end(), [&](const Found& other) {
      return BoxOverlap(other.box, found.box, pixel) <= threshold;
    });
    if (is_free) kept.push_back(found);
  }
  return kept;
}

void SortByScore(std::vector<Found>* all) {
  std::stable_sort(all->begin(), all->end(),
                   [](const Found& a, const Found& b) { return a.score > b.score; });
}

template <typename T>
void Limit(int64_t most, std::vector<T>* all) {
  if (most > 0 && static_cast<int64_t>(all->size()) > most) {
    all->erase(all->begin() + most, all->end());
  }
}

void ProposalCase(CaseMaker& c) {
  const Dims dims = c.Shape(4, 4);  // images, anchors, height, width
  const bool rotated = c.Chance(0.3);
  c.Input("scores", c.Random(DataType::kFloat, dims, 0, 1));
  c.Input("deltas", c.Random(DataType::kFloat,
                             {dims[0], (rotated ? 5 : 4) * dims[1], dims[2], dims[3]}, -1, 1));
  c.Input("im_info", ImageInfo(c, dims[0]));
  if (rotated) {
    c.Input("anchors", RotatedBoxes(c, dims[1], -4, 4));
    DrawAngleArguments(c);
  } else {
    Tensor anchors = c.Random(DataType::kFloat, {dims[1], 4}, -8, 0);
    for (int64_t i = 0; i < dims[1]; ++i) {
      float* anchor = anchors.mutable_data<float>() + 4 * i;
      anchor[2] = -anchor[0];
      anchor[3] = -anchor[1];
    }
    c.Input("anchors", anchors);
  }
  c.Arg("spatial_scale", 0.25f);
  c.Arg("nms_thresh", c.OneOf({0.3f, 0.7f}));
  c.Arg("min_size", c.OneOf({0.0f, 3.0f}));
  c.Arg("pre_nms_topN", static_cast<int>(c.Int(0, 60)));
  c.Arg("post_nms_topN", static_cast<int>(c.Int(0, 10)));
  DrawBoxArguments(c);
  c.Output("rois");
  c.Output("probs");
}

std::vector<Tensor> Proposals(const OpCase& c) {
  const Tensor& scores = c.in(0);
  const int64_t size = c.in(3).dim(1);
  const bool rotated = size == 5;
  const double pixel = c.Arg<bool>("legacy_plus_one", true) ? 1 : 0;
  std::vector<float> rois;
  std::vector<float> probs;
  for (int64_t image = 0; image < scores.dim(0); ++image) {
    std::vector<Found> all;
    const double height = At(c.in(2), {image, 0});
    const double width = At(c.in(2), {image, 1});
    ForEachIndex({scores.dim(1), scores.dim(2), scores.dim(3)}, [&](const Dims& i) {
      std::vector<double> box;
      std::vector<double> delta;
      for (int64_t k = 0; k < size; ++k) {
        const bool is_place = k < (rotated ? 2 : 4);
        box.push_back(At(c.in(3), {i[0], k}) +
                      (is_place ? 4 * static_cast<double>(i[k % 2 == 0 ? 2 : 1]) : 0));
        delta.push_back(At(c.in(1), {image, i[0] * size + k, i[1], i[2]}));
      }
      all.push_back(
          {At(scores, {image, i[0], i[1], i[2]}), MovedBox(c, box, delta, height, width), 0, 0});
    });
    SortByScore(&all);
    Limit(c.Arg<int>("pre_nms_topN"), &all);
    const double least = static_cast<double>(c.Arg<float>("min_size")) * At(c.in(2), {image, 2});
    const auto is_small = [&](const Found& found) {
      if (rotated) {
        return found.box[2] < least || found.box[3] < least || found.box[0] >= width ||
               found.box[1] >= height;
      }
      const double w = found.box[2] - found.box[0] + pixel;
      const double h = found.box[3] - found.box[1] + pixel;
      return w < least || h < least || found.box[0] + w / 2 >= width ||
             found.box[1] + h / 2 >= height;
    };
    all.erase(std::remove_if(all.begin(), all.end(), is_small), all.end());
    std::vector<Found> kept =
        Suppressed(all, static_cast<double>(c.Arg<float>("nms_thresh")), pixel);
    Limit(c.Arg<int>("post_nms_topN"), &kept);
    for (const Found& found : kept) {
      rois.push_back(static_cast<float>(image));
      for (double x : found.box) rois.push_back(static_cast<float>(x));
      probs.push_back(static_cast<float>(found.score));
    }
  }
  const int64_t count = static_cast<int64_t>(probs.size());
  return {*Tensor::FromSpan<float>({count, size + 1}, rois),
          *Tensor::FromSpan<float>({count}, probs)};
}

DOPPIO_OP_ROW(GenerateProposals)
    .Case(ProposalCase)
    .Reference(Proposals)
    .Tolerance(1e-4)
    .NeverScalar("scores have four dimensions")
    .InferenceOpen("scores and overlaps decide how many proposals there are");
DOPPIO_OP_ROW(GenerateProposalsCPP)
    .Case(ProposalCase)
    .Reference(Proposals)
    .Tolerance(1e-4)
    .Cases(10)
    .NeverScalar("as GenerateProposals")
    .InferenceOpen("as GenerateProposals");

// Soft suppression: the best one is taken and the scores of the others fall, again and again.
std::vector<Found> SoftlySuppressed(const OpCase& c, std::vector<Found> all, double pixel) {
  const std::string method = c.Arg<std::string>("soft_nms_method", "linear");
  const double threshold = static_cast<double>(c.Arg<float>("nms"));
  std::vector<Found> kept;
  while (!all.empty()) {
    const auto best = std::max_element(
        all.begin(), all.end(), [](const Found& a, const Found& b) { return a.score < b.score; });
    kept.push_back(*best);
    all.erase(best);
    std::vector<Found> left;
    for (Found found : all) {
      const double overlap = BoxOverlap(kept.back().box, found.box, pixel);
      if (method == "gaussian") {
        found.score *= std::exp(-overlap * overlap / 0.5);
      } else if (overlap > threshold) {
        found.score *= method == "linear" ? 1 - overlap : 0;
      }
      if (found.score >= 0.001) left.push_back(found);
    }
    all = left;
  }
  return kept;
}

DOPPIO_OP_ROW(BoxWithNMSLimit)
    .Case([](CaseMaker& c) {
      Dims dims = c.Shape(2, 2);
      dims[1] = std::max<int64_t>(dims[1], 1);  // classes
      const bool has_background = c.Chance(0.7);
      const bool agnostic = c.Chance(0.3);
      const int64_t boxes = agnostic ? 1 : dims[1] - (has_background ? 0 : 1);
      const bool has_ones = c.Chance(0.2);
      Tensor scores = c.Random(DataType::kFloat, dims, 0, 1);
      // A large case has millions of pairs, which take long where they are rotated.
      const bool rotated = c.Chance(0.3) && SizeFromDim(dims, 0) < 2000;
      const int64_t size = rotated ? 5 : 4;
      Tensor box = rotated ? RotatedBoxes(c, dims[0] * boxes, 0, 10)
                           : c.Random(DataType::kFloat, {dims[0] * boxes, 4}, 0, 10);
      for (int64_t i = 0; !rotated && i < dims[0] * boxes; ++i) {
        for (int k = 2; k < 4; ++k) {
          box.mutable_data<float>()[4 * i + k] += box.data<float>()[4 * i + k - 2];
        }
      }
      EXPECT_TRUE(box.Reshape({dims[0], size * boxes}).ok());
      if (rotated) c.Arg("rotated", true);
      if (has_ones) {
        EXPECT_TRUE(scores.Reshape({dims[0], dims[1], 1, 1}).ok());
        EXPECT_TRUE(box.Reshape({dims[0], size * boxes, 1, 1}).ok());
      }
      c.Input("scores", scores);
      c.Input("boxes", box);
      if (c.Chance()) {
        const int64_t first = c.Int(0, dims[0]);
        const Tensor splits =
            c.Vector<int32_t>({static_cast<int32_t>(first), static_cast<int32_t>(dims[0] - first)});
        c.Input("splits", c.Chance() ? splits : *ConvertTensor(splits, DataType::kFloat));
      }
      c.Arg("score_thresh", 0.2f);
      c.Arg("nms", c.OneOf({0.3f, 0.6f}));
      c.Arg("detections_per_im", static_cast<int>(c.Int(0, 6)));
      if (c.Chance(0.6)) {
        c.Arg("soft_nms_enabled", true);
        c.Arg<std::string>("soft_nms_method", c.OneOf<const char*>({"linear", "gaussian", "hard"}));
      }
      if (!has_background) c.Arg("input_boxes_include_bg_cls", false);
      if (agnostic) c.Arg("cls_agnostic_bbox_reg", true);
      if (c.Chance()) c.Arg("output_classes_include_bg_cls", c.Chance());
      if (c.Chance(0.3)) c.Arg("legacy_plus_one", c.Chance());
      const char* const outputs[] = {"s", "b", "c", "batch", "keeps", "sizes"};
      const int64_t count = c.Int(3, 6);
      for (int64_t i = 0; i < count; ++i) c.Output(outputs[i]);
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const double pixel = c.Arg<bool>("legacy_plus_one", true) ? 1 : 0;
      const int64_t size = c.Arg<bool>("rotated") ? 5 : 4;
      const int64_t classes = c.in(0).dim(1);
      const int64_t columns = c.in(1).dim(1);
      const int64_t first = c.Arg<bool>("input_boxes_include_bg_cls", true) ? 0 : 1;
      std::vector<int64_t> splits = {c.in(0).dim(0)};
      if (c.def.input_size() > 2) {
        splits = {static_cast<int64_t>(ElementAsDouble(c.in(2), 0)),
                  static_cast<int64_t>(ElementAsDouble(c.in(2), 1))};
      }
      std::vector<float> scores, boxes, ids, batch;
      std::vector<int32_t> keeps, sizes;
      int64_t begin = 0;
      for (const int64_t rows : splits) {
        std::vector<std::vector<Found>> by_class;
        std::vector<Found> all;
        for (int64_t id = 0; id < classes; ++id) {
          by_class.emplace_back();
          if (id == 0) continue;
          std::vector<Found> found;
          for (int64_t row = 0; row < rows; ++row) {
            const double score = ElementAsDouble(c.in(0), (begin + row) * classes + id - first);
            if (score <= static_cast<double>(c.Arg<float>("score_thresh"))) continue;
            const int64_t box = c.Arg<bool>("cls_agnostic_bbox_reg") ? 0 : id - first;
            std::vector<double> corners;
            for (int64_t k = 0; k < size; ++k) {
              corners.push_back(ElementAsDouble(c.in(1), (begin + row) * columns + box * size + k));
            }
            found.push_back({score, corners, row, id});
          }
          SortByScore(&found);
          found = c.Arg<bool>("soft_nms_enabled")
                      ? SoftlySuppressed(c, found, pixel)
                      : Suppressed(found, static_cast<double>(c.Arg<float>("nms")), pixel);
          all.insert(all.end(), found.begin(), found.end());
        }
        SortByScore(&all);
        Limit(c.Arg<int>("detections_per_im"), &all);
        for (const Found& found : all) {
          by_class[static_cast<size_t>(found.class_id)].push_back(found);
        }
        batch.push_back(static_cast<float>(all.size()));
        for (const std::vector<Found>& some : by_class) {
          sizes.push_back(static_cast<int32_t>(some.size()));
          for (const Found& found : some) {
            scores.push_back(static_cast<float>(found.score));
            for (double x : found.box) boxes.push_back(static_cast<float>(x));
            const bool counts_background = c.Arg<bool>("output_classes_include_bg_cls", true);
            ids.push_back(static_cast<float>(found.class_id - (counts_background ? 0 : 1)));
            keeps.push_back(static_cast<int32_t>(found.row));
          }
        }
        begin += rows;
      }
      const int64_t n = static_cast<int64_t>(scores.size());
      const int64_t images = static_cast<int64_t>(splits.size());
      std::vector<Tensor> outputs = {*Tensor::FromSpan<float>({n}, scores),
                                     *Tensor::FromSpan<float>({n, size}, boxes),
                                     *Tensor::FromSpan<float>({n}, ids),
                                     *Tensor::FromSpan<float>({images}, batch),
                                     *Tensor::FromSpan<int32_t>({n}, keeps),
                                     *Tensor::FromSpan<int32_t>({images, classes}, sizes)};
      outputs.resize(static_cast<size_t>(c.def.output_size()));
      return outputs;
    })
    .Tolerance(1e-4)
    .NeverScalar("scores are a matrix")
    .InferenceOpen("scores and overlaps decide how many detections there are");

}  // namespace
}  // namespace doppio
