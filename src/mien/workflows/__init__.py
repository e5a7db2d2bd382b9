"""One file per verb: what `import mien` offers and the command line calls."""
