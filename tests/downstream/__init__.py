"""Calls of libraries that have never heard of xdbr, and how their gradients are checked.

`pytest tests/downstream` runs them as tests (`nox -s downstream` with all that they need), and
`python -m tests.downstream` prints what each of them gives on xdbr's Variables and on torch's tensors.
"""
