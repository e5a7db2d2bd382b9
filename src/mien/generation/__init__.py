"""New faces, and what the discriminator predicts of them."""
