"""The command line of mtlcore: ``mtl``."""
