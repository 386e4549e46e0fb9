"""What figures of all papers share."""
