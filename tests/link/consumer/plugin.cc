// An operator that only a plug-in has.
#include <doppio/schema.h>

DOPPIO_OPERATOR_SCHEMA(OnlyInThePlugin).NumInputs(1).NumOutputs(1).Doc("Tests the linking.");
