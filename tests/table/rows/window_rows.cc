#include <algorithm>
#include <cmath>
#include <limits>

#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

constexpr const char* kDnnlArguments = "oneDNN makes a map of the arguments of a primitive";

// What a case is drawn with.
struct Sizes {
  bool large;
  int64_t batch;
  int rank;  // spatial dimensions
};

Sizes DrawSizes(CaseMaker& c, int rank) {
  const int64_t size = c.Size();
  Sizes sizes{size >= 40, std::min<int64_t>(size, 3), rank};
  if (rank == 0) sizes.rank = sizes.large ? 2 : static_cast<int>(c.Int(1, 3));
  return sizes;
}

using Ints = std::vector<int64_t>;

// A list argument, which is left out, by chance, where all its numbers are the default.
void ListArg(CaseMaker& c, absl::string_view name, const Ints& values, int64_t fallback) {
  const bool usual =
      std::all_of(values.begin(), values.end(), [=](int64_t value) { return value == fallback; });
  if (!usual || c.Chance()) c.Arg(name, values);
}

Ints DrawList(CaseMaker& c, int count, int64_t least, int64_t most) {
  Ints values;
  for (int i = 0; i < count; ++i) values.push_back(c.Int(least, most));
  return values;
}

Dims Image(const Sizes& sizes, int64_t channels, const Ints& spatial, bool last) {
  Dims dims = {sizes.batch};
  if (!last) dims.push_back(channels);
  dims.insert(dims.end(), spatial.begin(), spatial.end());
  if (last) dims.push_back(channels);
  return dims;
}

Ints Spatial(const OpCase& c, const Tensor& image) {
  const bool last = c.Arg<std::string>("order", "NCHW") == "NHWC";
  const auto begin = image.dims().begin() + (last ? 1 : 2);
  return Ints(begin, begin + image.rank() - 2);
}

int64_t Channels(const OpCase& c, const Tensor& image) {
  return c.Arg<std::string>("order", "NCHW") == "NHWC" ? image.dims().back() : image.dim(1);
}

Dims Index(const OpCase& c, int64_t n, int64_t channel, const Ints& spatial) {
  return Image({false, n, 0}, channel, spatial, c.Arg<std::string>("order", "NCHW") == "NHWC");
}

// A window as the arguments of a case say, by counting.
struct Geometry {
  Ints in, kernel, stride, dilation, head, out;

  Geometry(const OpCase& c, const Ints& image) : in(image) {
    const size_t rank = in.size();
    kernel = c.Args<int64_t>("kernels");
    stride = c.Args<int64_t>("strides");
    dilation = c.Args<int64_t>("dilations");
    Ints pads = c.Args<int64_t>("pads");
    const int legacy = c.Arg<int>("legacy_pad", 0);
    if (c.Arg<bool>("global_pooling")) kernel = in;
    if (stride.empty()) stride.assign(rank, 1);
    if (dilation.empty()) dilation.assign(rank, 1);
    if (pads.empty()) pads.assign(2 * rank, 0);
    head.assign(pads.begin(), pads.begin() + static_cast<int64_t>(rank));
    for (size_t d = 0; d < rank; ++d) {
      const int64_t reach = (kernel[d] - 1) * dilation[d] + 1;
      int64_t places = 0;
      if (legacy == 0 || legacy == 1) {
        while (places * stride[d] + reach <= in[d] + pads[d] + pads[d + rank]) ++places;
      } else if (legacy == 2) {
        while (places * stride[d] < in[d]) ++places;
        head[d] = ((places - 1) * stride[d] + kernel[d] - in[d]) / 2;
      } else {
        const double over = static_cast<double>(in[d] + 2 * head[d] - kernel[d]);
        places = static_cast<int64_t>(std::ceil(over / static_cast<double>(stride[d]) + 1));
        if (head[d] > 0 && (places - 1) * stride[d] >= in[d] + head[d]) --places;
      }
      out.push_back(places);
    }
  }

  // The element of the image under a tap; false where that is padding.
  bool Under(const Ints& place, const Dims& tap, Ints* element) const {
    element->clear();
    for (size_t d = 0; d < in.size(); ++d) {
      const int64_t i = place[d] * stride[d] - head[d] + tap[d] * dilation[d];
      if (i < 0 || i >= in[d]) return false;
      element->push_back(i);
    }
    return true;
  }
};

// Arguments of a window and the size of an image that it fits.
Ints DrawWindow(CaseMaker& c, const Sizes& sizes, bool pool) {
  const int rank = sizes.rank;
  const Ints kernel = DrawList(c, rank, 1, 3);
  const Ints stride = DrawList(c, rank, 1, 3);
  const Ints dilation = pool ? Ints(static_cast<size_t>(rank), 1) : DrawList(c, rank, 1, 2);
  const bool simple =
      std::all_of(dilation.begin(), dilation.end(), [](int64_t d) { return d == 1; });
  // Rounding up makes windows on nothing where strides are larger than kernels; their lowest number
  // and NaN leave no finite differences.
  bool rounds_up = pool;
  for (size_t d = 0; d < kernel.size(); ++d) rounds_up = rounds_up && stride[d] <= kernel[d];
  const int legacy = simple && c.Chance(0.4) ? static_cast<int>(c.Int(1, rounds_up ? 3 : 2)) : 0;
  Ints pads(static_cast<size_t>(2 * rank), 0);
  Ints in;
  for (int i = 0; i < rank; ++i) {
    const auto d = static_cast<size_t>(i);
    const int64_t most = std::min<int64_t>(pool ? kernel[d] - 1 : 2, kernel[d]);
    if (legacy == 0 || legacy == 3) {
      pads[d] = c.Int(0, most);
      pads[d + static_cast<size_t>(rank)] = legacy == 3 ? pads[d] : c.Int(0, most);
    }
    const int64_t reach = (kernel[d] - 1) * dilation[d] + 1;
    const int64_t least =
        std::max<int64_t>(1, reach - pads[d] - pads[d + static_cast<size_t>(rank)]);
    const int64_t more = sizes.large ? c.Int(9, 16) : c.Int(0, 5);
    in.push_back(least + (rank == 3 ? more / 2 : more));
  }
  c.Arg("kernels", kernel);
  ListArg(c, "strides", stride, 1);
  ListArg(c, "dilations", dilation, 1);
  if (legacy == 0 || legacy == 3) ListArg(c, "pads", pads, 0);
  if (legacy != 0) c.Arg("legacy_pad", legacy);
  return in;
}

bool DrawOrder(CaseMaker& c) {
  const bool last = c.Chance(0.4);
  if (last || c.Chance()) c.Arg<std::string>("order", last ? "NHWC" : "NCHW");
  return last;
}

// Groups, and the channels on both sides of one group.
struct Groups {
  Groups(CaseMaker& c, const Sizes& sizes) {
    count = c.Chance(0.4) ? c.Int(2, sizes.large ? 18 : 3) : 1;
    const int64_t most = sizes.large ? (count == 1 ? 40 : 3) : (count == 1 ? 4 : 2);
    in = c.Int(sizes.large && count == 1 ? 20 : 1, most);
    out = c.Int(sizes.large && count == 1 ? 20 : 1, most);
    if (count != 1 || c.Chance()) c.Arg("group", static_cast<int>(count));
  }
  int64_t count;
  int64_t in;
  int64_t out;
};

void ConvCase(CaseMaker& c, int rank) {
  const DataType type = c.ValueType({DataType::kFloat, DataType::kDouble});
  const Sizes sizes = DrawSizes(c, rank);
  const Ints in = DrawWindow(c, sizes, false);
  const bool last = DrawOrder(c);
  const Groups groups(c, sizes);
  c.Input("X", c.Random(type, Image(sizes, groups.count * groups.in, in, last)));
  const Ints kernel = OpCase{c.def(), {}}.Args<int64_t>("kernels");
  const Sizes filters{false, groups.count * groups.out, 0};
  c.Input("W", c.Random(type, Image(filters, groups.in, kernel, last)));
  if (c.Chance(0.7)) c.Input("b", c.Random(type, {filters.batch}));
  c.Output("Y");
}

std::vector<Tensor> ConvReference(const OpCase& c) {
  const Tensor& x = c.in(0);
  const Tensor& w = c.in(1);
  const Geometry window(c, Spatial(c, x));
  const int64_t of_group = Channels(c, w);
  const int64_t outputs = w.dim(0) / c.Arg<int>("group", 1);
  const bool last = c.Arg<std::string>("order", "NCHW") == "NHWC";
  const Dims y = Image({false, x.dim(0), 0}, w.dim(0), window.out, last);
  return {Generate(x.dtype(), y, [&](const Dims& index) {
    const int64_t m = last ? index.back() : index[1];
    const auto first = index.begin() + (last ? 1 : 2);
    const Ints place(first, first + static_cast<int64_t>(window.in.size()));
    double sum = c.def.input_size() > 2 ? ElementAsDouble(c.in(2), m) : 0;
    ForEachIndex(window.kernel, [&](const Dims& tap) {
      Ints element;
      if (!window.Under(place, tap, &element)) return;
      for (int64_t k = 0; k < of_group; ++k) {
        sum += At(x, Index(c, index[0], m / outputs * of_group + k, element)) *
               At(w, Index(c, m, k, Ints(tap.begin(), tap.end())));
      }
    });
    return sum;
  })};
}

void StateConvRow(const std::string& type, int rank, int cases) {
  NewOpRow(type)
      .Case([rank](CaseMaker& c) { ConvCase(c, rank); })
      .Reference(ConvReference)
      .Cases(cases)
      .Tolerance(1e-4)
      .LibraryMayAllocate(kDnnlArguments)
      .NeverScalar("an image has a batch, channels and spatial dimensions")
      .Differentiable({0, 1, 2});
  NewOpRow(type + "Gradient")
      .CheckedByGradientOf(type)
      .Tolerance(1e-4)
      .LibraryMayAllocate(kDnnlArguments)
      .NeverScalar("as Conv")
      .Cases(cases);
}

[[maybe_unused]] const bool conv_rows = [] {
  StateConvRow("Conv", 0, 60);
  StateConvRow("Conv1D", 1, 20);
  StateConvRow("Conv2D", 2, 20);
  StateConvRow("Conv3D", 3, 20);
  return true;
}();

DOPPIO_OP_ROW(ConvRelu)
    .Case([](CaseMaker& c) { ConvCase(c, 2); })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor y = ConvReference(c)[0];
      return {Generate(y.dtype(), y.dims(),
                       [&](const Dims& index) { return std::max(At(y, index), 0.0); })};
    })
    .Tolerance(1e-4)
    .LibraryMayAllocate(kDnnlArguments)
    .NeverScalar("as Conv");

DOPPIO_OP_ROW(ConvTranspose)
    .Case([](CaseMaker& c) {
      const DataType type = c.ValueType({DataType::kFloat, DataType::kDouble});
      const Sizes sizes = DrawSizes(c, 0);
      const Ints kernel = DrawList(c, sizes.rank, 1, 4);
      const Ints stride = DrawList(c, sizes.rank, 1, 3);
      const Ints dilation = DrawList(c, sizes.rank, 1, 2);
      Ints adjust, pads, in;
      for (size_t d = 0; d < kernel.size(); ++d) {
        adjust.push_back(c.Int(0, stride[d]));
        in.push_back(sizes.large ? c.Int(9, 16) : c.Int(1, sizes.rank == 3 ? 2 : 5));
      }
      for (size_t i = 0; i < 2 * kernel.size(); ++i)
        pads.push_back(c.Int(0, (kernel[i % kernel.size()] - 1) / 2));
      c.Arg("kernels", kernel);
      ListArg(c, "strides", stride, 1);
      ListArg(c, "dilations", dilation, 1);
      ListArg(c, "adjs", adjust, 0);
      if (c.Chance(0.2)) {
        c.Arg("legacy_pad", static_cast<int>(c.Int(1, 2)));
      } else {
        ListArg(c, "pads", pads, 0);
      }
      const bool last = DrawOrder(c);
      const Groups groups(c, sizes);
      c.Input("X", c.Random(type, Image(sizes, groups.count * groups.in, in, last)));
      const Sizes filters{false, groups.count * groups.in, 0};
      c.Input("W", c.Random(type, Image(filters, groups.out, kernel, last)));
      if (c.Chance(0.7)) c.Input("b", c.Random(type, {groups.count * groups.out}));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const Tensor& w = c.in(1);
      const Ints in = Spatial(c, x);
      const Ints kernel = c.Args<int64_t>("kernels");
      Ints stride = c.Args<int64_t>("strides");
      Ints dilation = c.Args<int64_t>("dilations");
      Ints adjust = c.Args<int64_t>("adjs");
      Ints pads = c.Args<int64_t>("pads");
      if (stride.empty()) stride.assign(in.size(), 1);
      if (dilation.empty()) dilation.assign(in.size(), 1);
      if (adjust.empty()) adjust.assign(in.size(), 0);
      if (pads.empty()) pads.assign(2 * in.size(), 0);
      Ints out;
      for (size_t d = 0; d < in.size(); ++d) {
        out.push_back((in[d] - 1) * stride[d] + (kernel[d] - 1) * dilation[d] + 1 + adjust[d] -
                      pads[d] - pads[d + in.size()]);
      }
      const int64_t groups = c.Arg<int>("group", 1);
      const int64_t outputs = Channels(c, w);
      const int64_t inputs = w.dim(0) / groups;
      const bool last = c.Arg<std::string>("order", "NCHW") == "NHWC";
      const Dims y_dims = Image({false, x.dim(0), 0}, groups * outputs, out, last);
      std::vector<double> y(static_cast<size_t>(*NumElements(y_dims)), 0.0);
      ForEachIndex(x.dims(), [&](const Dims& i) {
        const int64_t k = last ? i.back() : i[1];
        ForEachIndex(kernel, [&](const Dims& tap) {
          Ints at;
          for (size_t d = 0; d < in.size(); ++d) {
            at.push_back(i[d + (last ? 1 : 2)] * stride[d] - pads[d] + tap[d] * dilation[d]);
            if (at[d] < 0 || at[d] >= out[d]) return;
          }
          for (int64_t m = 0; m < outputs; ++m) {
            const Dims to = Index(c, i[0], k / inputs * outputs + m, at);
            y[static_cast<size_t>(FlatIndex(y_dims, to))] +=
                At(x, i) * At(w, Index(c, k, m, Ints(tap.begin(), tap.end())));
          }
        });
      });
      return {Generate(x.dtype(), y_dims, [&](const Dims& i) {
        const double b =
            c.def.input_size() > 2 ? ElementAsDouble(c.in(2), last ? i.back() : i[1]) : 0;
        return b + y[static_cast<size_t>(FlatIndex(y_dims, i))];
      })};
    })
    .Tolerance(1e-4)
    .LibraryMayAllocate(kDnnlArguments)
    .NeverScalar("an image has a batch, channels and spatial dimensions")
    .Differentiable({0, 1, 2});
DOPPIO_OP_ROW(ConvTransposeGradient)
    .CheckedByGradientOf("ConvTranspose")
    .Tolerance(1e-4)
    .LibraryMayAllocate(kDnnlArguments)
    .NeverScalar("as ConvTranspose");

void PoolCase(CaseMaker& c, int rank, bool average) {
  const DataType type = c.ValueType({DataType::kFloat, DataType::kDouble});
  const Sizes sizes = DrawSizes(c, rank);
  Ints in;
  if (c.Chance(0.15)) {
    c.Arg("global_pooling", true);
    in = DrawList(c, sizes.rank, 1, 4);
  } else {
    in = DrawWindow(c, sizes, true);
  }
  const bool last = DrawOrder(c);
  const int64_t channels = sizes.large ? c.Int(20, 70) : c.Int(1, 4);
  c.Input("X", c.Random(type, Image(sizes, channels, in, last)));
  if (average && c.Chance()) c.Arg("count_include_pad", c.Chance());
  c.Output("Y");
}

std::vector<Tensor> PoolReference(const OpCase& c, bool average) {
  const Tensor& x = c.in(0);
  const Geometry window(c, Spatial(c, x));
  const bool last = c.Arg<std::string>("order", "NCHW") == "NHWC";
  const Dims y = Image({false, x.dim(0), 0}, Channels(c, x), window.out, last);
  return {Generate(x.dtype(), y, [&](const Dims& index) {
    const auto first = index.begin() + (last ? 1 : 2);
    const Ints place(first, first + static_cast<int64_t>(window.in.size()));
    double sum = 0;
    double best = std::numeric_limits<float>::lowest();
    if (x.Is<double>()) best = std::numeric_limits<double>::lowest();
    int64_t seen = 0;
    int64_t all = 0;
    ForEachIndex(window.kernel, [&](const Dims& tap) {
      Ints element;
      ++all;
      if (!window.Under(place, tap, &element)) return;
      const double value = At(x, Index(c, index[0], last ? index.back() : index[1], element));
      ++seen;
      sum += value;
      best = std::max(best, value);
    });
    if (!average) return best;
    return sum / static_cast<double>(c.Arg<bool>("count_include_pad") ? all : seen);
  })};
}

[[maybe_unused]] const bool pool_rows = [] {
  for (const bool average : {false, true}) {
    const std::string name = average ? "AveragePool" : "MaxPool";
    for (int rank = 0; rank < 4; ++rank) {
      const std::string type = name + (rank == 0 ? "" : absl::StrCat(rank, "D"));
      const int cases = rank == 0 ? 60 : 20;
      NewOpRow(type)
          .Case([rank, average](CaseMaker& c) { PoolCase(c, rank, average); })
          .Reference([average](const OpCase& c) { return PoolReference(c, average); })
          .Cases(cases)
          .LibraryMayAllocate(kDnnlArguments)
          .NeverScalar("an image has a batch, channels and spatial dimensions")
          .Differentiable({0});
      NewOpRow(type + "Gradient")
          .CheckedByGradientOf(type)
          .Cases(cases)
          .LibraryMayAllocate(kDnnlArguments)
          .NeverScalar("as the pool");
    }
  }
  return true;
}();

// Im2Col knows two dimensions, one pad, and arguments of its own.
struct ColumnCase {
  int64_t kernel[2], stride[2], dilation[2], out[2];
  int64_t pad, batch, channels, height, width;
  bool last;

  ColumnCase(const OpCase& c, const Tensor& image) {
    const auto pair = [&](const std::string& name, int64_t fallback, int64_t* values) {
      const int64_t both = c.Arg<int64_t>(name, fallback);
      values[0] = c.Arg<int64_t>(name + "_h", both);
      values[1] = c.Arg<int64_t>(name + "_w", both);
    };
    pair("kernel", 0, kernel);
    pair("stride", 1, stride);
    pair("dilation", 1, dilation);
    pad = c.Arg<int64_t>("pad", 0);
    last = c.Arg<std::string>("order", "NCHW") == "NHWC";
    batch = image.dim(0);
    channels = Channels(c, image);
    height = image.dim(last ? 1 : 2);
    width = image.dim(last ? 2 : 3);
    out[0] = (height + 2 * pad - (kernel[0] - 1) * dilation[0] - 1) / stride[0] + 1;
    out[1] = (width + 2 * pad - (kernel[1] - 1) * dilation[1] - 1) / stride[1] + 1;
  }

  Dims columns() const {
    const int64_t all = channels * kernel[0] * kernel[1];
    return last ? Dims{batch, out[0], out[1], all} : Dims{batch, all, out[0], out[1]};
  }

  // The element of the image that a column's element shows; empty for padding.
  Dims Source(const Dims& column) const {
    const int64_t tap = column[last ? 3 : 1];
    const int64_t taps = kernel[0] * kernel[1];
    const int64_t channel = last ? tap % channels : tap / taps;
    const int64_t k = last ? tap / channels : tap % taps;
    const int64_t h = column[last ? 1 : 2] * stride[0] - pad + k / kernel[1] * dilation[0];
    const int64_t w = column[last ? 2 : 3] * stride[1] - pad + k % kernel[1] * dilation[1];
    if (h < 0 || h >= height || w < 0 || w >= width) return {};
    return last ? Dims{column[0], h, w, channel} : Dims{column[0], channel, h, w};
  }
};

Tensor DrawColumnImage(CaseMaker& c, DataType type) {
  const Sizes sizes = DrawSizes(c, 2);
  Ints in;
  const bool together = c.Chance(0.3);
  for (const char* side : {"_h", "_w"}) {
    const int64_t kernel = together ? 2 : c.Int(1, 3);
    const int64_t dilation = c.Int(1, 2);
    if (!together) c.Arg(absl::StrCat("kernel", side), static_cast<int>(kernel));
    c.Arg(absl::StrCat("dilation", side), static_cast<int>(dilation));
    if (c.Chance()) c.Arg(absl::StrCat("stride", side), static_cast<int>(c.Int(1, 3)));
    in.push_back((kernel - 1) * dilation + 1 + (sizes.large ? c.Int(15, 25) : c.Int(0, 4)));
  }
  if (together) c.Arg("kernel", 2);
  if (c.Chance()) c.Arg("pad", static_cast<int>(c.Int(0, 2)));
  return c.Random(type, Image(sizes, sizes.large ? c.Int(20, 40) : c.Int(1, 3), in, DrawOrder(c)));
}

DOPPIO_OP_ROW(Im2Col)
    .Case([](CaseMaker& c) {
      c.Input("X", DrawColumnImage(c, c.ValueType({DataType::kFloat, DataType::kDouble})));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const ColumnCase columns(c, x);
      return {Generate(x.dtype(), columns.columns(), [&](const Dims& i) {
        const Dims source = columns.Source(i);
        return source.empty() ? 0 : At(x, source);
      })};
    })
    .NeverScalar("an image has four dimensions")
    .Differentiable({0});

DOPPIO_OP_ROW(Col2Im)
    .Case([](CaseMaker& c) {
      const DataType type = c.ValueType({DataType::kFloat, DataType::kDouble});
      const Tensor image = DrawColumnImage(c, DataType::kInt32);
      const Dims columns = ColumnCase(OpCase{c.def(), {}}, image).columns();
      c.Input("X", c.Random(type, columns));
      c.Input("Z", image);
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const Tensor& image = c.in(1);
      const ColumnCase columns(c, image);
      std::vector<double> sums(static_cast<size_t>(image.numel()), 0.0);
      ForEachIndex(columns.columns(), [&](const Dims& i) {
        const Dims source = columns.Source(i);
        if (!source.empty()) sums[static_cast<size_t>(FlatIndex(image.dims(), source))] += At(x, i);
      });
      return {Generate(x.dtype(), image.dims(), [&](const Dims& i) {
        return sums[static_cast<size_t>(FlatIndex(image.dims(), i))];
      })};
    })
    .NeverScalar("an image has four dimensions")
    .Differentiable({0});

}  // namespace
}  // namespace doppio
