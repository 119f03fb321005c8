"""Changes into a route: a partial order of calls that keeps the promise."""
