"""What a plugin author implements, and how installed plugins are found."""
