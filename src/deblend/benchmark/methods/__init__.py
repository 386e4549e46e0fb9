"""Methods of the benchmark, one module each, by the environment that they need."""
