"""The promise, proven before the first call: no gap, no excess, each verdict changed at most once."""
