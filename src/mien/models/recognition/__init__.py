"""Networks that recognise affect, without a generator."""
