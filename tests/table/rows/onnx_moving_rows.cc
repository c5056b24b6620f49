// Rows of the operators of ONNX that only move elements.

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

DataType MovedType(CaseMaker& c) {
  return c.ValueType({DataType::kFloat, DataType::kDouble, DataType::kInt64, DataType::kUInt8,
                      DataType::kFloat16, DataType::kString});
}

size_t AxisOf(int64_t axis, const Tensor& x) {
  return static_cast<size_t>(axis < 0 ? axis + x.rank() : axis);
}

// An axis of a tensor of that shape, from either end.
int AnyAxis(CaseMaker& c, DimsView dims) {
  const auto rank = static_cast<int64_t>(dims.size());
  return static_cast<int>(c.Int(-rank, rank - 1));
}

// Indices into a dimension of that size, from either end; none where it is empty.
Tensor Indices(CaseMaker& c, Dims dims, int64_t size) {
  if (size == 0) dims.assign({0});
  return c.Random(c.IndexType(), dims, static_cast<double>(-size),
                  static_cast<double>(std::max<int64_t>(size, 1) - 1));
}

int64_t IndexAt(const Tensor& indices, int64_t i, int64_t size) {
  const int64_t index = IntegerAt(indices, i);
  return index < 0 ? index + size : index;
}

DOPPIO_OP_ROW(OnnxSlice)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape(1);
      const int axis = AnyAxis(c, dims);
      c.Input("data", c.Random(MovedType(c), dims));
      c.Input("starts", c.IndexVector({c.Int(-9, 9)}));
      c.Input("ends", c.IndexVector({c.Int(-9, 9)}));
      c.Input("axes", c.IndexVector({axis}));
      const int64_t step = c.Int(1, 3);
      c.Input("steps", c.IndexVector({c.Chance() ? step : -step}));
      c.Output("output");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const size_t d = AxisOf(IntegerAt(c.in(3), 0), x);
      const int64_t size = x.dims()[d];
      const int64_t step = IntegerAt(c.in(4), 0);
      const auto bound = [&](int64_t at) {
        if (at < 0) at += size;
        return step > 0 ? std::min(std::max<int64_t>(at, 0), size)
                        : std::min(std::max<int64_t>(at, -1), size - 1);
      };
      std::vector<int64_t> places;
      const int64_t end = bound(IntegerAt(c.in(2), 0));
      for (int64_t at = bound(IntegerAt(c.in(1), 0)); step > 0 ? at < end : at > end; at += step) {
        places.push_back(at);
      }
      Dims dims(x.dims().begin(), x.dims().end());
      dims[d] = static_cast<int64_t>(places.size());
      return {Pick(x, dims, [&](Dims i) {
        i[d] = places[static_cast<size_t>(i[d])];
        return FlatIndex(x.dims(), i);
      })};
    })
    .NeverScalar("data has an axis");

DOPPIO_OP_ROW(Pad)
    .Case([](CaseMaker& c) {
      const std::string mode = c.OneOf({"constant", "reflect", "edge"});
      Dims dims = c.Shape(0, 3);
      if (mode != "constant") {
        for (int64_t& size : dims) size = std::max<int64_t>(size, 1);
      }
      std::vector<int64_t> pads;
      for (size_t i = 0; i < 2 * dims.size(); ++i) {
        const int64_t size = dims[i % dims.size()];
        pads.push_back(c.Int(size > 1 && i < dims.size() ? -1 : 0, 3));
      }
      c.Input("data",
              c.Random(c.ValueType({DataType::kFloat, DataType::kDouble, DataType::kInt8}), dims));
      c.Input("pads", c.Vector<int64_t>(pads));
      if (c.Chance()) c.Input("value", c.Random(c.result().in(0).dtype(), {}, 3, 9));
      c.Arg("mode", mode);
      c.Output("output");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const auto rank = static_cast<size_t>(x.rank());
      const std::string mode = c.Arg<std::string>("mode");
      Dims dims;
      for (size_t d = 0; d < rank; ++d) {
        dims.push_back(x.dims()[d] + IntegerAt(c.in(1), static_cast<int64_t>(d)) +
                       IntegerAt(c.in(1), static_cast<int64_t>(d + rank)));
      }
      return {Generate(x.dtype(), dims, [&](Dims i) {
        for (size_t d = 0; d < rank; ++d) {
          const int64_t size = x.dims()[d];
          i[d] -= IntegerAt(c.in(1), static_cast<int64_t>(d));
          if (mode == "constant" && (i[d] < 0 || i[d] >= size)) {
            return c.def.input_size() > 2 ? ElementAsDouble(c.in(2), 0) : 0.0;
          }
          if (mode == "edge") i[d] = std::min(std::max<int64_t>(i[d], 0), size - 1);
          while (mode == "reflect" && (i[d] < 0 || i[d] >= size)) {
            i[d] = size == 1 ? 0 : i[d] < 0 ? -i[d] : 2 * (size - 1) - i[d];
          }
        }
        return At(x, i);
      })};
    });

DOPPIO_OP_ROW(OnnxGather)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape(1, 3);
      const int axis = AnyAxis(c, dims);
      const int64_t size = dims[static_cast<size_t>(axis < 0 ? axis + dims.size() : axis)];
      c.Input("data", c.Random(MovedType(c), dims));
      const int64_t slice = SizeFromDim(dims, 0) / std::max<int64_t>(size, 1);
      c.Input("indices", Indices(c, c.Shape(0, 2, slice), size));
      c.Arg("axis", axis);
      c.Output("output");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const Tensor& indices = c.in(1);
      const size_t d = AxisOf(c.Arg<int>("axis"), x);
      Dims dims(x.dims().begin(), x.dims().end());
      dims.erase(dims.begin() + static_cast<int>(d));
      dims.insert(dims.begin() + static_cast<int>(d), indices.dims().begin(), indices.dims().end());
      return {Pick(x, dims, [&](const Dims& i) {
        const auto first = i.begin() + static_cast<int>(d);
        const auto last = first + indices.rank();
        Dims from(i.begin(), first);
        from.push_back(IndexAt(indices, FlatIndex(indices.dims(), Dims(first, last)), x.dims()[d]));
        from.insert(from.end(), last, i.end());
        return FlatIndex(x.dims(), from);
      })};
    })
    .NeverScalar("data has an axis");

DOPPIO_OP_ROW(GatherElements)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape(1, 3);
      const int axis = AnyAxis(c, dims);
      const auto d = static_cast<size_t>(axis < 0 ? axis + dims.size() : axis);
      Dims index_dims = dims;
      if (dims[d] > 0) index_dims[d] = c.Size();
      c.Input("data", c.Random(MovedType(c), dims));
      c.Input("indices", c.Random(c.IndexType(), index_dims, static_cast<double>(-dims[d]),
                                  static_cast<double>(std::max<int64_t>(dims[d], 1) - 1)));
      c.Arg("axis", axis);
      c.Output("output");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const size_t d = AxisOf(c.Arg<int>("axis"), x);
      return {Pick(x, c.in(1).dims(), [&](Dims i) {
        i[d] = IndexAt(c.in(1), FlatIndex(c.in(1).dims(), i), x.dims()[d]);
        return FlatIndex(x.dims(), i);
      })};
    })
    .NeverScalar("data has an axis");

// The element of data that becomes of those at one place, of the updates that come to it.
double Updated(const OpCase& c, double old, const std::vector<double>& updates) {
  const auto reduction = c.Arg<std::string>("reduction", "none");
  for (const double update : updates) {
    old = reduction == "add" ? old + update : reduction == "mul" ? old * update : update;
  }
  return old;
}

DataType UpdatedType(CaseMaker& c) {
  return c.ValueType({DataType::kFloat, DataType::kDouble, DataType::kInt32, DataType::kInt64});
}

DOPPIO_OP_ROW(ScatterElements)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape(1, 3);
      const int axis = AnyAxis(c, dims);
      const auto d = static_cast<size_t>(axis < 0 ? axis + dims.size() : axis);
      Dims index_dims = dims;
      index_dims[d] = std::min<int64_t>(dims[d], c.Int(0, 3));
      const DataType type = UpdatedType(c);
      c.Input("data", c.Random(type, dims));
      c.Input("indices", c.Random(c.IndexType(), index_dims, static_cast<double>(-dims[d]),
                                  static_cast<double>(std::max<int64_t>(dims[d], 1) - 1)));
      c.Input("updates", c.Random(type, index_dims));
      c.Arg("axis", axis);
      c.Arg<std::string>("reduction", c.OneOf({"none", "add", "mul"}));
      c.Output("output");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const size_t d = AxisOf(c.Arg<int>("axis"), x);
      std::vector<std::vector<double>> updates(static_cast<size_t>(x.numel()));
      ForEachIndex(c.in(1).dims(), [&](const Dims& i) {
        Dims to = i;
        to[d] = IndexAt(c.in(1), FlatIndex(c.in(1).dims(), i), x.dims()[d]);
        updates[static_cast<size_t>(FlatIndex(x.dims(), to))].push_back(At(c.in(2), i));
      });
      return {Generate(x.dtype(), x.dims(), [&](const Dims& i) {
        return Updated(c, At(x, i), updates[static_cast<size_t>(FlatIndex(x.dims(), i))]);
      })};
    })
    .NeverScalar("data has an axis");

DOPPIO_OP_ROW(GatherND)
    .Case([](CaseMaker& c) {
      const int64_t batch = c.Int(1, 3), rows = c.Int(1, 4), columns = c.Int(1, 4);
      c.Input("data", c.Random(MovedType(c), {batch, rows, columns, c.Size()}));
      const int64_t count = c.Size();
      const int64_t size = std::min(rows, columns);
      c.Input("indices", Indices(c, {batch, count, 2}, size));
      c.Arg<int64_t>("batch_dims", 1);
      c.Output("output");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const Tensor& indices = c.in(1);
      return {Pick(x, {x.dim(0), indices.dim(1), x.dim(3)}, [&](const Dims& i) {
        const int64_t at = (i[0] * indices.dim(1) + i[1]) * 2;
        return FlatIndex(x.dims(), Dims{i[0], IndexAt(indices, at, x.dim(1)),
                                        IndexAt(indices, at + 1, x.dim(2)), i[2]});
      })};
    })
    .NeverScalar("data has dimensions that are indexed");

DOPPIO_OP_ROW(ScatterND)
    .Case([](CaseMaker& c) {
      const int64_t rows = c.Int(1, 4), columns = c.Int(1, 4), block = c.Size();
      const DataType type = UpdatedType(c);
      const int64_t count = c.Size();
      c.Input("data", c.Random(type, {rows, columns, block}));
      c.Input("indices", Indices(c, {count, 2}, std::min(rows, columns)));
      c.Input("updates", c.Random(type, {count, block}));
      c.Arg<std::string>("reduction", c.OneOf({"none", "add", "mul"}));
      c.Output("output");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      return {Generate(x.dtype(), x.dims(), [&](const Dims& i) {
        std::vector<double> updates;
        for (int64_t k = 0; k < c.in(1).dim(0); ++k) {
          const bool is_here = IndexAt(c.in(1), 2 * k, x.dim(0)) == i[0] &&
                               IndexAt(c.in(1), 2 * k + 1, x.dim(1)) == i[1];
          if (is_here) updates.push_back(At(c.in(2), Dims{k, i[2]}));
        }
        return Updated(c, At(x, i), updates);
      })};
    })
    .NeverScalar("data has dimensions that are indexed");

DOPPIO_OP_ROW(Compress)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape(1, 3);
      const int axis = AnyAxis(c, dims);
      const int64_t size = dims[static_cast<size_t>(axis < 0 ? axis + dims.size() : axis)];
      c.Input("input", c.Random(MovedType(c), dims));
      c.Input("condition", c.Random(DataType::kBool, {c.Int(0, size)}, 0, 1));
      c.Arg("axis", axis);
      c.Output("output");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const size_t d = AxisOf(c.Arg<int>("axis"), x);
      std::vector<int64_t> places;
      for (int64_t i = 0; i < c.in(1).numel(); ++i) {
        if (ElementAsDouble(c.in(1), i) != 0) places.push_back(i);
      }
      Dims dims(x.dims().begin(), x.dims().end());
      dims[d] = static_cast<int64_t>(places.size());
      return {Pick(x, dims, [&](Dims i) {
        i[d] = places[static_cast<size_t>(i[d])];
        return FlatIndex(x.dims(), i);
      })};
    })
    .NeverScalar("the input has an axis")
    .InferenceOpen("how many slices there are depends on the condition");

DOPPIO_OP_ROW(NonZero)
    .Case([](CaseMaker& c) {
      c.Input("X", c.Random(c.OneOf({DataType::kInt32, DataType::kBool, DataType::kInt8}),
                            c.Shape(), 0, 1));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      std::vector<Dims> found;
      ForEachIndex(x.dims(), [&](const Dims& i) {
        if (At(x, i) != 0) found.push_back(i);
      });
      return {Generate(
          DataType::kInt64, {x.rank(), static_cast<int64_t>(found.size())}, [&](const Dims& i) {
            return static_cast<double>(found[static_cast<size_t>(i[1])][static_cast<size_t>(i[0])]);
          })};
    })
    .InferenceOpen("how many elements are not 0 depends on them");

DOPPIO_OP_ROW(OnnxOneHot)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape(0, 3);
      const auto rank = static_cast<int64_t>(dims.size());
      c.Input("indices", c.Random(c.OneOf({DataType::kInt64, DataType::kInt32, DataType::kUInt8}),
                                  dims, -6, 6));
      c.Input("depth", c.IndexVector({c.Int(0, 5)}));
      c.Input("values", c.Random(MovedType(c), {2}));
      c.Arg("axis", c.Int(-rank - 1, rank));
      c.Output("output");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& indices = c.in(0);
      const int64_t depth = IntegerAt(c.in(1), 0);
      const int64_t axis = c.Arg<int64_t>("axis");
      const auto d = static_cast<int>(axis < 0 ? axis + indices.rank() + 1 : axis);
      Dims dims(indices.dims().begin(), indices.dims().end());
      dims.insert(dims.begin() + d, depth);
      return {Pick(c.in(2), dims, [&](Dims i) -> int64_t {
        const int64_t here = i[static_cast<size_t>(d)];
        i.erase(i.begin() + d);
        return IndexAt(indices, FlatIndex(indices.dims(), i), depth) == here ? 1 : 0;
      })};
    });

DOPPIO_OP_ROW(Trilu)
    .Case([](CaseMaker& c) {
      c.Input("input", c.Random(c.ValueType({DataType::kFloat, DataType::kDouble, DataType::kInt8}),
                                c.Shape(2, 4)));
      if (c.Chance()) c.Input("k", c.Vector<int64_t>({c.Int(-6, 6)}));
      c.Arg("upper", c.Chance());
      c.Output("output");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const int64_t k = c.def.input_size() > 1 ? IntegerAt(c.in(1), 0) : 0;
      return {Generate(x.dtype(), x.dims(), [&](const Dims& i) {
        const int64_t diagonal = i[i.size() - 1] - i[i.size() - 2];
        return (c.Arg<bool>("upper") ? diagonal >= k : diagonal <= k) ? At(x, i) : 0;
      })};
    })
    .NeverScalar("the input is a matrix");

DOPPIO_OP_ROW(EyeLike)
    .Case([](CaseMaker& c) {
      c.Input("input", c.Random(c.OneOf({DataType::kFloat, DataType::kInt32}), c.Shape(2, 2)));
      c.Arg("k", c.Int(-5, 5));
      if (c.Chance()) c.Arg("dtype", static_cast<int>(DataType::kDouble));
      c.Output("output");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const auto type =
          static_cast<DataType>(c.Arg<int>("dtype", static_cast<int>(c.in(0).dtype())));
      return {Generate(type, c.in(0).dims(),
                       [&](const Dims& i) { return i[1] - i[0] == c.Arg<int64_t>("k") ? 1 : 0; })};
    })
    .NeverScalar("the input is a matrix");

DOPPIO_OP_ROW(ReverseSequence)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape(2, 4);
      const bool is_time_first = c.Chance();
      c.Input("input", c.Random(MovedType(c), dims));
      c.Input("sequence_lens", c.Random(DataType::kInt64, {dims[is_time_first ? 1 : 0]}, 0,
                                        static_cast<double>(dims[is_time_first ? 0 : 1])));
      c.Arg<int64_t>("time_axis", is_time_first ? 0 : 1);
      c.Arg<int64_t>("batch_axis", is_time_first ? 1 : 0);
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const auto time = static_cast<size_t>(c.Arg<int64_t>("time_axis"));
      return {Pick(x, x.dims(), [&](Dims i) {
        const int64_t length = IntegerAt(c.in(1), i[1 - time]);
        if (i[time] < length) i[time] = length - 1 - i[time];
        return FlatIndex(x.dims(), i);
      })};
    })
    .NeverScalar("the input has a dimension of time");

DOPPIO_OP_ROW(OnnxUnique)
    .Case([](CaseMaker& c) {
      c.Input("X", c.Random(c.OneOf({DataType::kInt32, DataType::kUInt8, DataType::kString}),
                            c.Shape(1, 1), 0, 5));
      c.Arg("sorted", c.Chance());
      if (c.Chance()) c.Arg("axis", -1);
      for (const char* output : {"Y", "indices", "inverse", "counts"}) c.Output(output);
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const auto is_equal = [&](int64_t a, int64_t b) {
        return x.Is<std::string>() ? x.data<std::string>()[a] == x.data<std::string>()[b]
                                   : ElementAsDouble(x, a) == ElementAsDouble(x, b);
      };
      std::vector<int64_t> first;
      for (int64_t i = 0; i < x.numel(); ++i) {
        const bool is_new = std::none_of(first.begin(), first.end(),
                                         [&](int64_t other) { return is_equal(i, other); });
        if (is_new) first.push_back(i);
      }
      if (c.Arg<bool>("sorted")) {
        std::sort(first.begin(), first.end(), [&](int64_t a, int64_t b) {
          return x.Is<std::string>() ? x.data<std::string>()[a] < x.data<std::string>()[b]
                                     : ElementAsDouble(x, a) < ElementAsDouble(x, b);
        });
      }
      const Dims dims = {static_cast<int64_t>(first.size())};
      const auto at = [&](const Dims& i) { return first[static_cast<size_t>(i[0])]; };
      const auto count = [&](int64_t place) {
        int64_t same = 0;
        for (int64_t k = 0; k < x.numel(); ++k) same += is_equal(k, place) ? 1 : 0;
        return same;
      };
      return {Pick(x, dims, at),
              Generate(DataType::kInt64, dims,
                       [&](const Dims& i) { return static_cast<double>(at(i)); }),
              Generate(DataType::kInt64, x.dims(),
                       [&](const Dims& i) {
                         const auto found =
                             std::find_if(first.begin(), first.end(),
                                          [&](int64_t k) { return is_equal(k, i[0]); });
                         return static_cast<double>(found - first.begin());
                       }),
              Generate(DataType::kInt64, dims,
                       [&](const Dims& i) { return static_cast<double>(count(at(i))); })};
    })
    .NeverScalar("X is a vector here")
    .InferenceOpen("how many there are depends on the values")
    .MayAllocate("std::stable_sort wants room");

DOPPIO_OP_ROW(OnnxTopK)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape(1, 3);
      const int axis = AnyAxis(c, dims);
      const int64_t size = dims[static_cast<size_t>(axis < 0 ? axis + dims.size() : axis)];
      c.Input("X", c.Random(c.ValueType({DataType::kFloat, DataType::kDouble, DataType::kInt32,
                                         DataType::kUInt8, DataType::kFloat16}),
                            dims, 0, 9));
      c.Input("K", c.Vector<int64_t>({c.Int(0, std::min<int64_t>(size, 8))}));
      c.Arg("axis", axis);
      c.Arg("largest", c.Chance());
      c.Output("Values");
      c.Output("Indices");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const size_t d = AxisOf(c.Arg<int>("axis"), x);
      Dims dims(x.dims().begin(), x.dims().end());
      dims[d] = IntegerAt(c.in(1), 0);
      std::map<int64_t, std::vector<int64_t>> orders;  // of lines, by the place of their first
      const auto place = [&](Dims at) {
        const auto rank = static_cast<size_t>(at[d]);
        at[d] = 0;
        std::vector<int64_t>& order = orders[FlatIndex(x.dims(), at)];
        if (!order.empty()) return order[rank];
        order.resize(static_cast<size_t>(x.dims()[d]));
        std::iota(order.begin(), order.end(), 0);
        const auto value = [&](int64_t k) {
          at[d] = k;
          return c.Arg<bool>("largest") ? -At(x, at) : At(x, at);
        };
        std::stable_sort(order.begin(), order.end(),
                         [&](int64_t a, int64_t b) { return value(a) < value(b); });
        return order[rank];
      };
      return {Pick(x, dims,
                   [&](const Dims& i) {
                     Dims from = i;
                     from[d] = place(i);
                     return FlatIndex(x.dims(), from);
                   }),
              Generate(DataType::kInt64, dims,
                       [&](const Dims& i) { return static_cast<double>(place(i)); })};
    })
    .NeverScalar("X has an axis");

std::vector<Tensor> Reshaped(const Tensor& x, const Dims& dims) {
  Tensor y = x;
  EXPECT_TRUE(y.Reshape(dims).ok());
  return {y};
}

DOPPIO_OP_ROW(OnnxReshape)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape(0, 3);
      Dims shape(dims.rbegin(), dims.rend());
      const bool is_empty = std::count(dims.begin(), dims.end(), 0) > 0;
      if (!is_empty && !shape.empty()) shape[0] = -1;
      c.Input("data", c.Random(MovedType(c), dims));
      c.Input("shape", c.IndexVector(shape));
      c.Output("output");
    })
    .Reference([](const OpCase& c) {
      return Reshaped(c.in(0), Dims(c.in(0).dims().rbegin(), c.in(0).dims().rend()));
    });

DOPPIO_OP_ROW(OnnxSqueeze)
    .Case([](CaseMaker& c) {
      Dims dims = c.Shape(0, 3);
      dims.insert(dims.begin() + c.Int(0, static_cast<int64_t>(dims.size())), 1);
      c.Input("data", c.Random(MovedType(c), dims));
      const auto place = std::find(dims.begin(), dims.end(), 1) - dims.begin();
      const auto rank = static_cast<int64_t>(dims.size());
      if (c.Chance()) c.Input("axes", c.IndexVector({c.Chance() ? place : place - rank}));
      c.Output("output");
    })
    .Reference([](const OpCase& c) {
      Dims dims(c.in(0).dims().begin(), c.in(0).dims().end());
      if (c.def.input_size() == 1) {
        dims.erase(std::remove(dims.begin(), dims.end(), 1), dims.end());
      } else {
        dims.erase(dims.begin() + static_cast<int>(AxisOf(IntegerAt(c.in(1), 0), c.in(0))));
      }
      return Reshaped(c.in(0), dims);
    })
    .NeverScalar("data has a dimension to lose");

DOPPIO_OP_ROW(OnnxUnsqueeze)
    .Case([](CaseMaker& c) {
      const Dims dims = c.Shape(0, 3);
      c.Input("data", c.Random(MovedType(c), dims));
      c.Input("axes", c.IndexVector({0, -1}));
      c.Output("output");
    })
    .Reference([](const OpCase& c) {
      Dims dims(c.in(0).dims().begin(), c.in(0).dims().end());
      dims.insert(dims.begin(), 1);
      dims.push_back(1);
      return Reshaped(c.in(0), dims);
    });

}  // namespace
}  // namespace doppio
