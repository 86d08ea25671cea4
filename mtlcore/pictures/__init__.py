"""Pictures of images and fields."""
