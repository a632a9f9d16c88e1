"""Reads for open data, by what they are about: which rows are public, when each last changed, and their records.

Everything starts from what the public pages show to somebody who is not signed in. "When it changed" has to cover
everything that the record says, or mirrors miss it.
"""
