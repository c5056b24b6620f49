#ifndef DOPPIO_PYTHON_CORE_PYTHON_OPERATOR_H_
#define DOPPIO_PYTHON_CORE_PYTHON_OPERATOR_H_

#include <memory>

#include "doppio/operator.h"

namespace doppio::python {

// The operator of a type that PythonFunction::Find() knows.
std::unique_ptr<OperatorBase> CreatePythonOperator(OperatorInit* init);

}  // namespace doppio::python

#endif  // DOPPIO_PYTHON_CORE_PYTHON_OPERATOR_H_
