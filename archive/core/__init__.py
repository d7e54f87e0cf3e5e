"""What every station needs and no station owns: errors, clock, numbering, calendar, resources."""
