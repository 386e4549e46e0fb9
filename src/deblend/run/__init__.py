"""What a run of the workflow needs: logs, provenance, digests of code, the configuration."""
