from doppio import _core
from doppio import errors
