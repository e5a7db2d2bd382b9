"""The documents' generators and discriminators, one file per document's network."""
