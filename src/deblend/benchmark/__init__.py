"""A common benchmark of all methods: the same blends, one table, one figure."""
