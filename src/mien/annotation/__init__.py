"""Labels by hand: projects, a journal of every action, what it adds up to, and consensus."""
