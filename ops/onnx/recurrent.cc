#include "ops/onnx/recurrent.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace doppio {
namespace {

constexpr int kRequired = 3;  // X, W, R

}  // namespace

RecurrentArguments::RecurrentArguments(ArgumentReader* args, const RecurrentCell& cell)
    : hidden_size(args->GetSingleArgument<int64_t>("hidden_size", 0)),
      given(args->GetRepeatedArgument<std::string>("given")) {
  const std::string direction = args->GetSingleArgument<std::string>("direction");
  directions = direction == "bidirectional" ? 2 : 1;
  is_reverse = direction == "reverse";
  if (directions == 1 && !is_reverse && direction != "forward") {
    args->Fail(absl::InvalidArgumentError(absl::StrCat(
        "direction is \"", direction, "\", must be forward, reverse or bidirectional")));
  }
  const int layout = args->GetSingleArgument<int>("layout");
  is_batch_first = layout == 1;
  if (layout != 0 && layout != 1) {
    args->Fail(absl::InvalidArgumentError(absl::StrCat("layout is ", layout, ", must be 0 or 1")));
  }
  for (size_t i = 0; i < given.size(); ++i) {
    const bool is_known =
        std::count(cell.optional.begin(), cell.optional.end(), given[i]) > 0 &&
        std::count(given.begin(), given.begin() + static_cast<int64_t>(i), given[i]) == 0;
    if (is_known) continue;
    args->Fail(
        absl::InvalidArgumentError(absl::StrCat("given has \"", given[i], "\", may have each of ",
                                                absl::StrJoin(cell.optional, ", "), " once")));
  }
  if (args->def().input_size() != kRequired + static_cast<int>(given.size())) {
    args->Fail(absl::InvalidArgumentError(absl::StrCat("there are ", args->def().input_size(),
                                                       " inputs, but X, W, R and ", given.size(),
                                                       " more are given")));
  }
  functions = GateFunction::ReadAll(args, directions, cell.functions);
}

int RecurrentArguments::InputOf(absl::string_view name) const {
  const auto found = std::find(given.begin(), given.end(), name);
  return found == given.end() ? -1 : kRequired + static_cast<int>(found - given.begin());
}

Dims RecurrentShape::outputs() const {
  if (is_batch_first) return {batch, steps, directions, hidden};
  return {steps, directions, batch, hidden};
}

Dims RecurrentShape::states() const {
  if (is_batch_first) return {batch, directions, hidden};
  return {directions, batch, hidden};
}

int64_t RecurrentShape::OutputRow(int64_t t, int64_t direction, int64_t n) const {
  return is_batch_first ? (n * steps + t) * directions + direction
                        : (t * directions + direction) * batch + n;
}

int64_t RecurrentShape::StateRow(int64_t direction, int64_t n) const {
  return is_batch_first ? n * directions + direction : direction * batch + n;
}

absl::StatusOr<RecurrentShape> CheckRecurrent(const RecurrentArguments& args,
                                              const RecurrentCell& cell, int count,
                                              const std::function<DimsView(int)>& dims,
                                              const std::function<DataType(int)>& type) {
  if (count < kRequired || dims(0).size() != 3 || dims(2).size() != 3) {
    return absl::InvalidArgumentError("X and R must have three dimensions");
  }
  RecurrentShape shape;
  shape.is_batch_first = args.is_batch_first;
  shape.directions = args.directions;
  shape.steps = dims(0)[args.is_batch_first ? 1 : 0];
  shape.batch = dims(0)[args.is_batch_first ? 0 : 1];
  shape.inputs = dims(0)[2];
  shape.hidden = dims(2)[2];
  if (args.hidden_size != 0 && args.hidden_size != shape.hidden) {
    return absl::InvalidArgumentError(
        absl::StrCat("hidden_size is ", args.hidden_size, ", but R is ", ShapeToString(dims(2))));
  }
  DOPPIO_ASSIGN_OR_RETURN(const int64_t gates, CheckedProduct(cell.gates, shape.hidden));
  DOPPIO_RETURN_IF_ERROR(NumElements(shape.outputs()).status());
  DOPPIO_RETURN_IF_ERROR(NumElements({shape.steps, shape.batch, gates}).status());
  DOPPIO_RETURN_IF_ERROR(NumElements({4, shape.batch, shape.hidden}).status());
  const auto check = [&](int i, absl::string_view name, const Dims& wanted,
                         DataType wanted_type) -> absl::Status {
    if (i < 0 || (dims(i) == DimsView(wanted) && type(i) == wanted_type)) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(name, " is ", DataTypeName(type(i)), ShapeToString(dims(i)), ", must be ",
                     DataTypeName(wanted_type), ShapeToString(wanted)));
  };
  const DataType x = type(0);
  const auto optional = [&](absl::string_view name, const Dims& wanted, DataType wanted_type) {
    return check(args.InputOf(name), name, wanted, wanted_type);
  };
  DOPPIO_RETURN_IF_ERROR(check(1, "W", {shape.directions, gates, shape.inputs}, x));
  DOPPIO_RETURN_IF_ERROR(check(2, "R", {shape.directions, gates, shape.hidden}, x));
  DOPPIO_RETURN_IF_ERROR(optional("B", {shape.directions, 2 * gates}, x));
  DOPPIO_RETURN_IF_ERROR(optional("sequence_lens", {shape.batch}, DataType::kInt32));
  DOPPIO_RETURN_IF_ERROR(optional("initial_h", shape.states(), x));
  DOPPIO_RETURN_IF_ERROR(optional("initial_c", shape.states(), x));
  DOPPIO_RETURN_IF_ERROR(optional("P", {shape.directions, 3 * shape.hidden}, x));
  return shape;
}

void StateRecurrent(OpSchema& schema, const RecurrentCell& cell) {
  const int outputs = cell.has_cell_state ? 3 : 2;
  schema.NumInputs(kRequired, kRequired + static_cast<int>(cell.optional.size()))
      .NumOutputs(outputs)
      .Arg<std::string>("direction", "forward, reverse or bidirectional", "forward")
      .Arg<int>("layout", "0: [T,N,...] and [D,N,H]; 1: [N,T,...] and [N,D,H]", 0)
      .OptionalArg<int64_t>("hidden_size", "H, as R has it")
      .OptionalArg<std::vector<std::string>>(
          "activations", "the functions of each direction (f, g, h), as ONNX names them")
      .OptionalArg<std::vector<float>>("activation_alpha", "their first parameters, in order")
      .OptionalArg<std::vector<float>>("activation_beta", "their second parameters, in order")
      .OptionalArg<float>("clip", "what they are given is kept in [-clip, clip]; 0: is not")
      .OptionalArg<std::vector<std::string>>(
          "given", absl::StrCat("which inputs there are behind the third one, in their order: of ",
                                absl::StrJoin(cell.optional, ", ")))
      .Input(0, "X", "tensor [T,N,I] of float or double")
      .Input(1, "W", absl::StrCat("[D,", cell.gates, "*H,I] of X's type, as are all but lengths"))
      .Input(2, "R", absl::StrCat("[D,", cell.gates, "*H,H]"))
      .Input(3, "more",
             absl::StrCat("what `given` says: B [D,", 2 * cell.gates,
                          "*H], of W and then of R; sequence_lens int32 [N]; initial_h and "
                          "initial_c [D,N,H]; P [D,3*H]"))
      .Output(0, "Y", "[T,D,N,H]: the states of all steps, 0 behind the end of a sequence")
      .Output(1, "Y_h", "[D,N,H]: the last state of each sequence")
      .MultiplyAdds([cell](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
        const Dims& x = *inputs[0].dims;
        int64_t sum = 0;
        for (size_t i = 1; i < 3 && x.size() == 3; ++i) {
          const Dims& w = *inputs[i].dims;
          if (w.size() == 3) sum += GemmMultiplyAdds(x[0] * x[1], w[0] * w[1], w[2]);
        }
        return sum;
      })
      .TensorInference([cell](InferenceContext* context) -> absl::Status {
        const RecurrentArguments args(context, cell);
        DOPPIO_RETURN_IF_ERROR(context->status());
        DOPPIO_ASSIGN_OR_RETURN(
            const RecurrentShape shape,
            CheckRecurrent(
                args, cell, context->InputSize(), [&](int i) { return context->dims(i); },
                [&](int i) { return context->dtype(i); }));
        context->SetOutput(0, context->dtype(0), shape.outputs());
        for (int o = 1; o < context->OutputSize(); ++o) {
          context->SetOutput(o, context->dtype(0), shape.states());
        }
        return absl::OkStatus();
      });
  if (cell.has_cell_state) schema.Output(2, "Y_c", "[D,N,H]: the last cell of each sequence");
}

}  // namespace doppio
