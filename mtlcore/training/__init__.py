"""From labelled data to a model."""
