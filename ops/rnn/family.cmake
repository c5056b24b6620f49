# RecurrentNetwork and ONNXWhile run nets; older files have those of RecurrentNetwork as text.
set(DEPENDS runtime io)
