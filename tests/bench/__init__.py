"""The project's own benchmark: every figure as a ratio against a floor or a peer measured in the same run."""
