"""The pages of changes of organisations, one file for each thing that is shown: finished words and links."""
