"""Results told to people and programs: pages, JSON. Computes no metric itself."""
