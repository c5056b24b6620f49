#include <limits>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"
#include "ops/sequence/row_segments.h"
#include "src/operator/element_copy.h"

namespace doppio {
namespace {

void StateMaxLength(OpSchema& schema) {
  schema.Arg<int>("max_length",
                  "places of each segment in the packed tensor; -1: as the longest needs", -1);
}

int64_t ReadMaxLength(ArgumentReader* args) {
  const int64_t max_length = args->GetSingleArgument<int>("max_length");
  if (max_length < -1) {
    args->Fail(absl::InvalidArgumentError(absl::StrCat(
        "max_length is ", max_length, ", but must be -1, or not negative to be a length")));
  }
  return max_length;
}

int64_t Places(int64_t max_length, const RowSegments& segments) {
  return max_length == -1 ? segments.longest() : max_length;
}

// The shape of the packed tensor. The segments become those that DATA has.
//
// A gradient operator stands behind an UnpackSegments that dropped what max_length cuts off: its
// DATA, unlike that of PackSegments in a forward net, does not have those rows.
absl::StatusOr<Dims> PackedDims(const OperatorDef& def, int64_t max_length, DimsView data,
                                RowSegments* segments) {
  const int64_t places = Places(max_length, *segments);
  if (def.is_gradient_op()) segments->Cut(places);
  DOPPIO_RETURN_IF_ERROR(segments->CheckRows("LENGTHS", data[0], "DATA"));
  Dims dims = {segments->count(), places};
  dims.insert(dims.end(), data.begin() + 1, data.end());
  DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
  return dims;
}

// The shape of what is unpacked. The segments become those of the output.
//
// A gradient operator stands behind a PackSegments, and gives the rows too that max_length had cut
// off there.
absl::StatusOr<Dims> UnpackedDims(const OperatorDef& def, int64_t max_length, DimsView data,
                                  RowSegments* segments) {
  if (data.size() < 2 || data[0] != segments->count()) {
    return absl::InvalidArgumentError(absl::StrCat("DATA ", ShapeToString(data),
                                                   " must have a row of places for each of ",
                                                   segments->count(), " LENGTHS"));
  }
  const int64_t places = Places(max_length, *segments);
  if (data[1] != places) {
    return absl::InvalidArgumentError(absl::StrCat(
        "DATA ", ShapeToString(data), " has ", data[1], " places for each segment, but ",
        max_length == -1 ? "the longest of LENGTHS is " : "max_length is ", places,
        max_length == -1 ? "; where there are more places, give max_length" : ""));
  }
  if (!def.is_gradient_op()) segments->Cut(places);
  Dims dims(data.begin() + 1, data.end());
  dims[0] = segments->rows();
  DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
  return dims;
}

DOPPIO_OPERATOR_SCHEMA(PackSegments)
    .NumInputs(2)
    .NumOutputs(1, 2)
    .Doc(R"DOC(
Segments of rows, which lie one behind the other in DATA, become the rows of a tensor in which each has
as many places as the longest, or max_length: PACKED[i,j] is row j of segment i, and 0 (an empty string)
where there is none. What a segment has beyond max_length is dropped.

Example: LENGTHS [1,2] and DATA [3] = [1,2,3] give PACKED [2,2] = [[1,0],[2,3]] and PRESENCE
[[true,false],[true,true]].

The gradient of DATA is 0 in rows that were dropped. (Caffe2's lacks these rows.)
)DOC")
    .FillUsing(StateMaxLength)
    .Arg("pad_minf", "DATA of floating point is filled up with -infinity instead of 0", false)
    .Arg("return_presence_mask", "the output PRESENCE must be there, which it need not otherwise",
         false)
    .Input(0, "LENGTHS", "vector of int32 or int64, none negative, which sum to the rows of DATA")
    .Input(1, "DATA", "tensor of any type, at least a vector")
    .Output(0, "PACKED", "tensor of DATA's type: for each segment as many rows as there are places")
    .Output(1, "PRESENCE", "bool, for each segment and place: whether there is a row")
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const int64_t max_length = ReadMaxLength(context);
      DOPPIO_RETURN_IF_ERROR(context->status());
      DOPPIO_RETURN_IF_ERROR(CheckNotScalar(context->dims(1), "DATA"));
      DOPPIO_RETURN_IF_ERROR(CheckIsVector(context->dims(0), "LENGTHS"));
      Dims dims(context->dims(1).begin(), context->dims(1).end());
      if (context->value(0) != nullptr) {
        RowSegments segments;
        DOPPIO_RETURN_IF_ERROR(segments.Set(*context->value(0), "LENGTHS"));
        DOPPIO_ASSIGN_OR_RETURN(
            dims, PackedDims(context->def(), max_length, context->dims(1), &segments));
      } else if (max_length != -1) {
        dims[0] = max_length;
        dims.insert(dims.begin(), context->dims(0)[0]);
        DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
      } else {
        return absl::OkStatus();
      }
      context->SetOutput(0, context->dtype(1), dims);
      context->SetOutput(1, DataType::kBool, {dims[0], dims[1]});
      return absl::OkStatus();
    });

template <class Context>
class PackSegmentsOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit PackSegmentsOp(OperatorInit* init)
      : Operator<Context>(init),
        max_length_(ReadMaxLength(init)),
        pads_minus_infinity_(init->GetSingleArgument<bool>("pad_minf")) {
    if (init->GetSingleArgument<bool>("return_presence_mask") && OutputSize() < 2) {
      init->Fail(absl::InvalidArgumentError(
          "return_presence_mask is set, but there is no second output for the mask"));
    }
  }

  absl::Status RunOnDevice() override {
    const Tensor& data = Input(1);
    DOPPIO_RETURN_IF_ERROR(CheckNotScalar(data.dims(), "DATA"));
    DOPPIO_RETURN_IF_ERROR(segments_.Set(Input(0), "LENGTHS"));
    DOPPIO_ASSIGN_OR_RETURN(Dims dims,
                            PackedDims(this->def(), max_length_, data.dims(), &segments_));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * packed, Output(0, data.dtype(), dims));
    if (OutputSize() > 1) {
      DOPPIO_ASSIGN_OR_RETURN(Tensor * presence, Output(1, DataType::kBool, {dims[0], dims[1]}));
      FillPresence(dims[1], presence->mutable_data<bool>());
    }
    if (pads_minus_infinity_ && IsFloatingPoint(data.dtype())) {
      return DispatchType(TypeList<float, double, float16, bfloat16>(), data.dtype(),
                          [&](auto tag) -> absl::Status {
                            using T = typename decltype(tag)::type;
                            T* y = packed->mutable_data<T>();
                            Pack(data, packed, [y](int64_t begin, int64_t count) {
                              std::fill_n(y + begin, count,
                                          T(-std::numeric_limits<float>::infinity()));
                            });
                            return absl::OkStatus();
                          });
    }
    Pack(data, packed, ElementZero(packed));
    return absl::OkStatus();
  }

 private:
  // `pad` fills a run of elements of `packed`.
  template <typename Pad>
  void Pack(const Tensor& data, Tensor* packed, const Pad& pad) {
    const ElementCopy copy(data, packed);
    const int64_t block = SizeFromDim(data.dims(), 1);
    const int64_t width = SizeFromDim(packed->dims(), 1);
    ParallelFor(segments_.count(), kCopyGrain / (width + 1) + 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t filled = std::min(segments_.length(i) * block, width);
        copy(segments_.begin(i) * block, i * width, filled);
        pad(i * width + filled, width - filled);
      }
    });
  }

  void FillPresence(int64_t places, bool* presence) {
    for (int64_t i = 0; i < segments_.count(); ++i) {
      const int64_t there = std::min(segments_.length(i), places);
      presence = std::fill_n(presence, there, true);
      presence = std::fill_n(presence, places - there, false);
    }
  }

  const int64_t max_length_;
  const bool pads_minus_infinity_;
  RowSegments segments_;
};

DOPPIO_OPERATOR_SCHEMA(UnpackSegments)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
The rows that PackSegments packed, one behind the other again, without what filled the segments up.

Example: LENGTHS [1,2] and DATA [2,2] = [[1,0],[2,3]] give [1,2,3].

DATA must have as many places for each segment as the longest length says, or max_length where it is
given; of lengths above that, max_length count. (Caffe2 takes more places without max_length too, but
then reads others on a GPU, and has a gradient of another shape.) The gradient is 0 where nothing was.
)DOC")
    .FillUsing(StateMaxLength)
    .Input(0, "LENGTHS", "vector of int32 or int64, none negative: rows of each segment")
    .Input(1, "DATA", "tensor of any type, [segments, places, ...]")
    .Output(0, "ROWS", "tensor of DATA's type, with as many rows as the segments have together")
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; })
    .NeedsValue(0)
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const int64_t max_length = ReadMaxLength(context);
      DOPPIO_RETURN_IF_ERROR(context->status());
      RowSegments segments;
      DOPPIO_RETURN_IF_ERROR(segments.Set(*context->value(0), "LENGTHS"));
      DOPPIO_ASSIGN_OR_RETURN(
          Dims dims, UnpackedDims(context->def(), max_length, context->dims(1), &segments));
      context->SetOutput(0, context->dtype(1), dims);
      return absl::OkStatus();
    });

template <class Context>
class UnpackSegmentsOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit UnpackSegmentsOp(OperatorInit* init)
      : Operator<Context>(init), max_length_(ReadMaxLength(init)) {}

  absl::Status RunOnDevice() override {
    const Tensor& data = Input(1);
    DOPPIO_RETURN_IF_ERROR(segments_.Set(Input(0), "LENGTHS"));
    DOPPIO_ASSIGN_OR_RETURN(Dims dims,
                            UnpackedDims(this->def(), max_length_, data.dims(), &segments_));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * rows, Output(0, data.dtype(), dims));
    const ElementCopy copy(data, rows);
    const ElementZero zero(rows);
    const int64_t block = SizeFromDim(data.dims(), 2);
    const int64_t width = SizeFromDim(data.dims(), 1);
    ParallelFor(segments_.count(), kCopyGrain / (width + 1) + 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t wanted = segments_.length(i) * block;
        const int64_t there = std::min(wanted, width);
        copy(i * width, segments_.begin(i) * block, there);
        zero(segments_.begin(i) * block + there, wanted - there);
      }
    });
    return absl::OkStatus();
  }

 private:
  const int64_t max_length_;
  RowSegments segments_;
};

// What PackSegments and UnpackSegments are to one another. As gradient operators they treat rows
// beyond max_length otherwise, so that there the gradient of a gradient is another one.
class PackingGradient : public GradientMakerBase {
 protected:
  using GradientMakerBase::GradientMakerBase;

  int64_t MaxLength() {
    ArgumentReader reader(Def(), nullptr);
    const int64_t max_length = reader.GetSingleArgument<int64_t>("max_length", -1);
    Fail(reader.status());
    if (Def().is_gradient_op() && max_length != -1) {
      Fail(absl::UnimplementedError(
          absl::StrCat("there is no gradient of ", Def().type(),
                       " with max_length where it is a gradient operator itself")));
    }
    return max_length;
  }
};

class GetPackSegmentsGradient final : public PackingGradient {
  using PackingGradient::PackingGradient;
  std::vector<OperatorDef> GetGradientDefs() override {
    MaxLength();
    return SingleGradientDef("UnpackSegments", "", {I(0), GO(0)}, {GI(1)});
  }
};

class GetUnpackSegmentsGradient final : public PackingGradient {
  using PackingGradient::PackingGradient;
  // Not pad_minf, which an UnpackSegments has that was made as a gradient.
  bool CopyArguments() const override { return false; }
  std::vector<OperatorDef> GetGradientDefs() override {
    std::vector<Argument> args;
    const int64_t max_length = MaxLength();
    if (max_length != -1) args.push_back(MakeArgument("max_length", max_length));
    return SingleGradientDef("PackSegments", "", {I(0), GO(0)}, {GI(1)}, args);
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(PackSegments, PackSegmentsOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(UnpackSegments, UnpackSegmentsOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(PackSegments, GetPackSegmentsGradient);
DOPPIO_REGISTER_GRADIENT(UnpackSegments, GetUnpackSegmentsGradient);

}  // namespace
}  // namespace doppio
