"""What claims, published numbers and training times are; those of a paper stand with it."""
