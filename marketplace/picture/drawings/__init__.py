"""Pictures of demand: finished shapes, words and links."""
