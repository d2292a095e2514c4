"""The table of specs: one file of rows for each chapter of the namespace; see `_spec`."""
