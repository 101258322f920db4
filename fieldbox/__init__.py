"""fieldbox: a drone flight goes in, a field map comes out, one kilobyte leaves when the link allows."""

import os

# Photos and views are worked on side by side already: threads inside each small matrix product only wait for each other
# (measured beside another busy process: three times the time of an alignment). Read when NumPy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# ONNX Runtime would keep a database of how it is used and send it to its makers over the farm's link. Read when it is loaded.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"
