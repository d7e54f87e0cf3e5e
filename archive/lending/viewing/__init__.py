"""Electronic viewing and photocopies: pages shown or printed with their loan burnt into them."""
