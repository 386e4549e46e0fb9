"""Parts of figures that several papers share."""
