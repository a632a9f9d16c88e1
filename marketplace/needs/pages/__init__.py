"""The pages of needs, one file for each thing that a reader does: finished words and links."""
