"""The faces that AWS calls. What they import is small: their cold start is everybody's wait."""
