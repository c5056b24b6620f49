#ifndef DOPPIO_PYTHON_CORE_RELEASE_H_
#define DOPPIO_PYTHON_CORE_RELEASE_H_

#include <pybind11/pybind11.h>

#include <memory>

namespace doppio::python {

// A share in something of Python's that tensors refer to, which `release(object)` gives up. Storage
// may go at any time, on any thread, while locks of doppio are held; a thread that then waited for
// the interpreter could wait forever. So what goes without the interpreter's lock is only put on a
// list, and given up later, by ReleaseLater().
std::shared_ptr<const void> Share(void* object, void (*release)(void*));

// The same of a Python object: gives up the reference that the caller hands over.
std::shared_ptr<const void> ShareObject(pybind11::object object);
// The object of such a share. The interpreter's lock must be held.
pybind11::handle ObjectOf(const std::shared_ptr<const void>& share);

// Gives up what is on the list. The interpreter's lock must be held.
void ReleaseLater();

}  // namespace doppio::python

#endif  // DOPPIO_PYTHON_CORE_RELEASE_H_
