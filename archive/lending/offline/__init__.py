"""What the desk did while the network was down: taken in late, in its own order, once."""
