"""The pages of families and co-signatures: finished words and links."""
