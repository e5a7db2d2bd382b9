"""New faces, and what the network that judged them says they show."""
