"""The module that Caffe2's Python front end loads as its C extension, on top of doppio.

`doppio.caffe2_compat.install()` puts it where `caffe2.python` looks; the module itself is
`doppio.caffe2_state`.
"""

from doppio.caffe2_state import *  # noqa: F401,F403
from doppio.caffe2_state import __all__  # noqa: F401
