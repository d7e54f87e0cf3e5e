"""How the server is: what it is measured by, what is overdue, and how programs read it."""
