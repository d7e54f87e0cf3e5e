"""Who can see a thing and why (谁能看到，为什么); letting somebody in by a grant."""
