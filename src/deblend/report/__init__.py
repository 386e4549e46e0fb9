"""Tables of claims, published numbers and training times, for all papers."""
