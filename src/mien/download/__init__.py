"""Downloads that can be rerun: polite, resumable, and never from a private address."""
