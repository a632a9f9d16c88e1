"""The pages of technologies: finished words and links."""
