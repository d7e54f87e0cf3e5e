"""The four-property check (四性检测, DA/T 70): authenticity, completeness, usability, safety."""
