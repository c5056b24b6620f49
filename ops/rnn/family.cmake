# RecurrentNetwork and ONNXWhile run nets; older files have those of RecurrentNetwork as text.
# InferenceLSTM multiplies matrices.
set(DEPENDS runtime io dnn)
