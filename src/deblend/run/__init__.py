"""Tools for a run of the workflow: logs, provenance, digests of code and the configuration."""
