"""Parts of the training that several papers share."""
