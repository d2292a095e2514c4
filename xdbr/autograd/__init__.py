"""Define-by-run automatic differentiation: Variables, the graph they record, and its backward."""
