"""Networks, and the folders that models are kept in."""
