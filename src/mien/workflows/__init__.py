"""One function per verb: what the command line calls, and what `import mien` offers."""
