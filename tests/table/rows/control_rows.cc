#include "tests/table/op_table.h"

namespace doppio {
namespace {

NetDef NetOf(std::initializer_list<OperatorDef> ops) {
  NetDef net;
  for (const OperatorDef& op : ops) *net.add_op() = op;
  return net;
}

Tensor Condition(CaseMaker& c) {
  return *Tensor::FromSpan<bool>(c.Chance() ? Dims() : Dims{1}, {c.Chance()});
}

// X or -X.
Tensor NegatedIf(bool condition, const Tensor& x) {
  return Generate(x.dtype(), x.dims(),
                  [&](const Dims& i) { return condition ? -At(x, i) : At(x, i); });
}

DOPPIO_OP_ROW(If)
    .Case([](CaseMaker& c) {
      c.Input("condition", Condition(c));
      c.Input("X", c.Random(c.ValueType({DataType::kFloat, DataType::kDouble}), c.Shape()));
      c.Arg("then_net", NetOf({CreateOperatorDef("Negative", "", {"X"}, {"Y"})}));
      c.Arg("else_net", NetOf({CreateOperatorDef("Copy", "", {"X"}, {"Y"})}));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      return {NegatedIf(c.in(0).data<bool>()[0], c.in(1))};
    })
    .Differentiable({1})
    .InferenceOpen("the nets decide");

// The loop makes its condition false, so that it turns once or not at all.
DOPPIO_OP_ROW(While)
    .Case([](CaseMaker& c) {
      c.Input("condition", Condition(c));
      c.Input("X", c.Random(c.ValueType({DataType::kFloat, DataType::kDouble}), c.Shape()));
      c.Input("stop", *Tensor::Scalar<bool>(false));
      c.Arg("loop_net", NetOf({CreateOperatorDef("Negative", "", {"X"}, {"X"}),
                               CreateOperatorDef("Copy", "", {"stop"}, {"condition"})}));
      c.Output("X");
      c.Output("condition");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const bool condition = c.in(0).data<bool>()[0];
      const Tensor stopped = condition ? c.in(2) : c.in(0);
      return {NegatedIf(condition, c.in(1)), stopped};
    })
    .GradientUnchecked("it needs a Do with a scope: tests/ops/control/while_gradient_test.cc")
    .InferenceOpen("the net decides");

DOPPIO_OP_ROW(CreateScope).NoTensors("it makes a scope").InferenceOpen("no tensor");
DOPPIO_OP_ROW(HasScope).NoTensors("it takes a scope").InferenceOpen("depends on the scope");
DOPPIO_OP_ROW(Do)
    .NoTensors("it takes a scope")
    .GradientUnchecked("it takes a scope: tests/ops/control/control_gradient_test.cc")
    .InferenceOpen("the net decides");

}  // namespace
}  // namespace doppio
