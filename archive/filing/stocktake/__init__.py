"""Stocktakes (盘点): what should stand somewhere against what was seen there."""
