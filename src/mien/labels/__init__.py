"""What a label is: Action Units, expressions, valence and arousal, and what is missing."""
