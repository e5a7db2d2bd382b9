"""People who do not exist: a parametric head whose Action Units are known exactly, as video."""
