"""Recognises that a message says what was checked before: candidates, features, calibrated decision, guard."""

import os

# Comparing one message with the vectors is bound by memory: a second thread of numpy's BLAS spins and gains nothing,
# and takes the other core from whoever else is asking. It counts the cores when it is loaded, hence here.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
