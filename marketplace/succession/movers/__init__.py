"""What belongs to organisations, and how each kind of it changes hands; all kinds are listed in `catalogue`.

Every column that refers to an organisation is either moved by one of `MOVERS` or named in `HISTORY` with the reason
why it stays: a test holds all tables to that.
"""
