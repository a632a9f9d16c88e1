"""What can go wrong in the matcher, in words that an operator understands."""

from __future__ import annotations


class EncoderUnavailable(Exception):
    """The encoder is missing or damaged; the matcher goes on by words alone."""
