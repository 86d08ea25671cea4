"""From an image to fields."""
