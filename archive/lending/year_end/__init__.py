"""The day by which originals are back before the year ends (年底清还): the day set, its recall."""
