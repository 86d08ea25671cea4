"""Label volumes from an interpretation: sticks, surfaces and horizons, and nothing where nobody looked."""
