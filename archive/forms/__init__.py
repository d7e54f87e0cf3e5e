"""The forms of this office: every version there ever was, and how a new one is made."""
